// Package messages holds every sentence that the server shows on a page, in one catalogue
// for each language.
//
// A catalogue is a flat JSON object from keys to texts. A text has no markup; it contains
// its arguments as {name}, and is an object of CLDR plural categories (one, few, many, other)
// if it depends on the argument n. To add a language, add a file next to en.json that has the
// same keys, and an entry to languages.go. A key that a catalogue lacks is shown in English.
package messages

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/bidi"
)

//go:embed *.json
var files embed.FS

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
	Language
	tag      language.Tag
	texts    map[string]text
	fallback *Catalogue // nil for English
}

// text holds the parts of a text, literals and arguments in turn, by plural category. A text
// that does not depend on a number has only plural.Other.
type text [plural.Many + 1][]part

// part is a literal, or the name of an argument.
type part struct{ literal, argument string }

// loaded holds the catalogues that were parsed, by tag. They never change.
var loaded sync.Map //nolint:gochecknoglobals // parsing all takes 20 ms

// Load returns the catalogue of a language, which all callers share. It returns an error only
// if the language is not built in or its embedded catalogue is invalid.
func Load(tag string) (*Catalogue, error) {
	if known, ok := loaded.Load(tag); ok {
		c, _ := known.(*Catalogue)
		return c, nil
	}
	c, err := parseCatalogue(tag)
	if err == nil {
		loaded.Store(tag, c)
	}
	return c, err
}

func parseCatalogue(tag string) (*Catalogue, error) {
	known, ok := find(tag)
	if !ok {
		return nil, fmt.Errorf("load catalogue: no language %q", tag)
	}
	if tag == Pseudo {
		return loadPseudo(known)
	}
	c, err := load(known)
	if err == nil && tag != English {
		c.fallback, err = Load(English)
	}
	return c, err
}

func load(known Language) (*Catalogue, error) {
	raw, err := files.ReadFile(known.Tag + ".json")
	if err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	var entries map[string]json.RawMessage
	if err := json.Unmarshal(raw, &entries); err != nil {
		return nil, fmt.Errorf("parse catalogue %s: %w", known.Tag, err)
	}
	c := &Catalogue{Language: known, tag: language.Make(known.Tag), texts: make(map[string]text, len(entries))}
	for key, entry := range entries {
		if c.texts[key], err = parseText(entry); err != nil {
			return nil, fmt.Errorf("parse text %s of catalogue %s: %w", key, known.Tag, err)
		}
	}
	return c, nil
}

// categories returns the plural categories by their names in a catalogue.
//
// Spec: Unicode Technical Standard #35 part 3, section 5.1.
func categories() map[string]plural.Form {
	return map[string]plural.Form{
		"zero": plural.Zero, "one": plural.One, "two": plural.Two, "few": plural.Few, "many": plural.Many, "other": plural.Other,
	}
}

// parseText parses an entry: a string, or an object of plural categories.
func parseText(entry json.RawMessage) (t text, err error) {
	var single string
	if json.Unmarshal(entry, &single) == nil {
		t[plural.Other] = parse(single)
		return t, nil
	}
	var forms map[string]string
	if err := json.Unmarshal(entry, &forms); err != nil {
		return t, err
	}
	for name, form := range forms {
		category, ok := categories()[name]
		if !ok {
			return t, fmt.Errorf("unknown plural category %q", name)
		}
		t[category] = parse(form)
	}
	if t[plural.Other] == nil {
		return t, errors.New("no plural category other")
	}
	return t, nil
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

// Isolated returns the message as text, in which arguments and texts of others do not reorder the
// words around them: see [Isolate].
func (c *Catalogue) Isolated(m Message) string {
	var b strings.Builder
	write := func(s string) { b.WriteString(s) }
	if m.key == "" {
		write = func(s string) { b.WriteString(Isolate(s)) }
	}
	c.write(m, write, func(v any) { b.WriteString(Isolate(fmt.Sprint(v))) })
	return b.String()
}

// Marks of an isolate, whose direction is that of its first letter.
const (
	IsolateStart = '\u2068'
	IsolateEnd   = '\u2069'
)

// Isolate returns text of others for the middle of a sentence: between the marks of an isolate if it
// has letters that are written from right to left. Its own marks are removed.
//
// Spec: Unicode Standard Annex #9, §2.4, §2.5.
func Isolate(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= '\u2066' && r <= IsolateEnd {
			return -1
		}
		return r
	}, s)
	if !strings.ContainsFunc(s, isRightToLeft) {
		return s
	}
	return string(IsolateStart) + s + string(IsolateEnd)
}

func isRightToLeft(r rune) bool {
	properties, _ := bidi.LookupRune(r)
	return properties.Class() == bidi.R || properties.Class() == bidi.AL
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
		b.WriteString(template.HTMLEscapeString(Isolate(fmt.Sprint(v))))
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
	for _, p := range c.find(m) {
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

// find returns the parts of a message for its number, in English if the catalogue lacks the key.
func (c *Catalogue) find(m Message) []part {
	t, ok := c.texts[m.key]
	if !ok {
		if c.fallback == nil {
			panic("messages: unknown key " + m.key)
		}
		return c.fallback.find(m)
	}
	n, ok := m.argument("n")
	if number, isNumber := n.(int); ok && isNumber {
		if parts := t[plural.Cardinal.MatchPlural(c.tag, number, 0, 0, 0, 0)]; parts != nil {
			return parts
		}
	}
	return t[plural.Other]
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

// Device returns the message for a browser and its system, each empty if unknown.
func Device(browser, system string) Message {
	switch {
	case browser != "" && system != "":
		return New("device.browser-on", "browser", browser, "system", system)
	case browser != "":
		return Literal(browser)
	case system != "":
		return New("device.on", "system", system)
	default:
		return New("device.unknown")
	}
}
