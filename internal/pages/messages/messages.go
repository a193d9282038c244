// Package messages holds every sentence that the server shows on a page, in one catalogue
// for each language.
//
// A catalogue is a flat JSON object from keys to texts. A text has no markup; it contains
// its arguments as {name}, and an object of plural categories (one, other) if it depends on
// the argument n. To add a language, add a file next to en.json that has the same keys.
package messages

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"strings"
	"time"
)

//go:embed *.json
var files embed.FS

// English is the language of the built-in catalogue.
const English = "en"

// Message is a sentence of the catalogue with its arguments, in no language yet. The zero
// Message is empty.
type Message struct {
	key     string
	args    []any // pairs of name and value
	literal string
}

// New returns the message with the key. The arguments are pairs of name and value.
func New(key string, args ...any) Message { return Message{key: key, args: args} }

// Literal returns a message that is not in the catalogue, such as a text from the operator's
// configuration.
func Literal(text string) Message { return Message{literal: text} }

// IsZero reports whether the message is empty.
func (m Message) IsZero() bool { return m.key == "" && m.literal == "" }

// Or returns m unless it is empty, otherwise other.
func (m Message) Or(other Message) Message {
	if m.IsZero() {
		return other
	}
	return m
}

// Catalogue holds the texts of one language.
type Catalogue struct {
	Language string
	texts    map[string]text
}

// text is a parsed text: literals and arguments in turn, per plural category.
type text struct {
	one, other []part
}

// part is a literal, or the name of an argument.
type part struct{ literal, argument string }

// Load parses the catalogue of a language. It returns an error only if the
// embedded catalogue is invalid or missing.
func Load(language string) (*Catalogue, error) {
	raw, err := files.ReadFile(language + ".json")
	if err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	var entries map[string]json.RawMessage
	if err := json.Unmarshal(raw, &entries); err != nil {
		return nil, fmt.Errorf("parse catalogue %s: %w", language, err)
	}
	c := &Catalogue{Language: language, texts: make(map[string]text, len(entries))}
	for key, entry := range entries {
		var plural struct{ One, Other string }
		if err := json.Unmarshal(entry, &plural.Other); err != nil {
			if err := json.Unmarshal(entry, &plural); err != nil {
				return nil, fmt.Errorf("parse text %s of catalogue %s: %w", key, language, err)
			}
		}
		t := text{other: parse(plural.Other)}
		if plural.One != "" {
			t.one = parse(plural.One)
		}
		c.texts[key] = t
	}
	return c, nil
}

// parse splits a text at its arguments.
func parse(s string) []part {
	var parts []part
	for s != "" {
		before, rest, found := strings.Cut(s, "{")
		if before != "" {
			parts = append(parts, part{literal: before})
		}
		if !found {
			break
		}
		var name string
		name, s, _ = strings.Cut(rest, "}")
		parts = append(parts, part{argument: name})
	}
	return parts
}

// Keys returns the keys of the catalogue, unsorted.
func (c *Catalogue) Keys() []string {
	keys := make([]string, 0, len(c.texts))
	for key := range c.texts {
		keys = append(keys, key)
	}
	return keys
}

// Text returns the message as plain text.
func (c *Catalogue) Text(m Message) string {
	var b strings.Builder
	c.write(m, func(s string) { b.WriteString(s) }, func(v any) { fmt.Fprint(&b, v) })
	return b.String()
}

// HTML returns the message as HTML. It escapes the text and every argument that is not
// [template.HTML].
func (c *Catalogue) HTML(m Message) template.HTML {
	var b strings.Builder
	c.write(m, func(s string) { template.HTMLEscape(&b, []byte(s)) }, func(v any) {
		if markup, ok := v.(template.HTML); ok {
			b.WriteString(string(markup))
			return
		}
		b.WriteString(template.HTMLEscapeString(fmt.Sprint(v)))
	})
	return template.HTML(b.String()) //nolint:gosec // every part is escaped, or HTML already
}

// write writes the parts of a message in order. It panics for an unknown key or a missing
// argument: both are programming errors, and tests render every message.
func (c *Catalogue) write(m Message, literal func(string), argument func(any)) {
	if m.key == "" {
		literal(m.literal)
		return
	}
	t, ok := c.texts[m.key]
	if !ok {
		panic("messages: unknown key " + m.key)
	}
	parts := t.other
	if n, ok := m.argument("n"); ok && n == 1 && t.one != nil {
		parts = t.one
	}
	for _, p := range parts {
		if p.argument == "" {
			literal(p.literal)
			continue
		}
		value, ok := m.argument(p.argument)
		if !ok {
			panic("messages: " + m.key + " lacks the argument " + p.argument)
		}
		if nested, ok := value.(Message); ok {
			c.write(nested, literal, argument)
			continue
		}
		argument(value)
	}
}

func (m Message) argument(name string) (any, bool) {
	for i := 0; i+1 < len(m.args); i += 2 {
		if m.args[i] == name {
			return m.args[i+1], true
		}
	}
	return nil, false
}

// Duration returns the message for a rounded duration, such as 5 minutes. It rounds up, so
// that waiting that long is enough.
func Duration(d time.Duration) Message {
	unit, key := time.Minute, "duration.minutes"
	switch {
	case d > 48*time.Hour:
		unit, key = 24*time.Hour, "duration.days"
	case d > 2*time.Hour:
		unit, key = time.Hour, "duration.hours"
	}
	return New(key, "n", int((d+unit-1)/unit))
}
