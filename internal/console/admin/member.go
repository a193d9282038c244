package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// memberKind is how a form shows a member of a client.
type memberKind int

const (
	memberText   memberKind = iota
	memberLines             // a list of texts, one per line
	memberFlag              // true or false
	memberNumber            // an integer
	memberJSON              // any value
	memberLinks             // links, one per line: a text, = and a URL
)

// member is a member of a client in a form.
type member struct {
	name    string // of the client, or of its theme after a point
	label   string // the key of its label; empty for the name itself
	kind    memberKind
	options []string // of a text with a few values
}

// errMember reports a text that is no value of its member.
var errMember = errors.New("not a value of the member")

// id is the ID of the field.
func (m member) id() string { return strings.NewReplacer("_", "-", ".", "-").Replace(m.name) }

// value returns the value of the member, nil for none.
func (m member) value(of map[string]json.RawMessage) json.RawMessage {
	outer, inner, nested := strings.Cut(m.name, ".")
	if !nested {
		return of[outer]
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(of[outer], &object) != nil {
		return nil
	}
	return object[inner]
}

// set sets or removes the member.
func (m member) set(of map[string]json.RawMessage, value json.RawMessage) error {
	outer, inner, nested := strings.Cut(m.name, ".")
	if nested {
		object := map[string]json.RawMessage{}
		if raw := of[outer]; raw != nil {
			if err := json.Unmarshal(raw, &object); err != nil {
				return err
			}
		}
		if delete(object, inner); value != nil {
			object[inner] = value
		}
		value = nil
		if len(object) > 0 {
			var err error
			if value, err = json.Marshal(object); err != nil {
				return err
			}
		}
	}
	if delete(of, outer); value != nil {
		of[outer] = value
	}
	return nil
}

// text returns the value as the form shows it.
func (m member) text(of map[string]json.RawMessage) string {
	raw := m.value(of)
	if raw == nil || string(raw) == "null" || string(raw) == "{}" && m.kind == memberJSON {
		return ""
	}
	switch m.kind {
	case memberText:
		var text string
		_ = json.Unmarshal(raw, &text) // empty for another value
		return text
	case memberLines:
		var list []string
		_ = json.Unmarshal(raw, &list)
		return strings.Join(list, "\n")
	case memberLinks:
		var list []pages.FooterLink
		_ = json.Unmarshal(raw, &list)
		texts := make([]string, len(list))
		for i, link := range list {
			texts[i] = link.Text + " = " + link.URI
		}
		return strings.Join(texts, "\n")
	case memberJSON:
		var text bytes.Buffer
		if json.Indent(&text, raw, "", "  ") == nil {
			return text.String()
		}
	case memberFlag, memberNumber:
	}
	return string(raw)
}

// parse returns the value that a text of the form means, nil for none.
func (m member) parse(text string) (json.RawMessage, error) {
	if text = strings.TrimSpace(text); text == "" {
		return nil, nil
	}
	switch m.kind {
	case memberText:
		return json.Marshal(text)
	case memberLines:
		return json.Marshal(lines(text))
	case memberFlag:
		if text != "true" && text != "false" {
			return nil, errMember
		}
	case memberNumber:
		if _, err := strconv.ParseInt(text, 10, 64); err != nil {
			return nil, errMember
		}
	case memberJSON:
		if !json.Valid([]byte(text)) {
			return nil, errMember
		}
	case memberLinks:
		var list []pages.FooterLink
		for _, line := range lines(text) {
			name, uri, isLink := strings.Cut(line, "=")
			if !isLink {
				return nil, errMember
			}
			list = append(list, pages.FooterLink{Text: strings.TrimSpace(name), URI: strings.TrimSpace(uri)})
		}
		return json.Marshal(list)
	}
	return json.RawMessage(text), nil
}

// input returns the field of the member with a text.
func (m member) input(text string) pages.Input {
	in := pages.Input{ID: m.id(), Name: m.name, Value: text, Label: messages.Literal(m.name), Kind: pages.InputText}
	if m.label != "" {
		in.Label = messages.New(m.label)
	}
	options := m.options
	switch m.kind {
	case memberFlag:
		options = []string{"true", "false"}
	case memberLines, memberLinks, memberJSON:
		in.Kind, in.Rows = pages.InputLines, min(max(strings.Count(text, "\n")+1, 2), 12)
	case memberText, memberNumber:
	}
	if options == nil {
		return in
	}
	in.Kind = pages.InputChoice
	if text != "" && !slices.Contains(options, text) {
		options = append(slices.Clone(options), text)
	}
	for _, option := range append([]string{""}, options...) {
		in.Options = append(in.Options, pages.Option{Value: option, Literal: option, Selected: option == text})
	}
	return in
}
