// Package detail holds authorization details (RFC 9396): the types that the operator declares, each with
// a JSON schema and the sentences of the consent page, and the details of requests and grants.
//
// It guarantees that each member of an accepted detail is part of the sentence that the user reads: a
// detail that a sentence cannot show completely is invalid.
package detail

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Parameter is the name of the parameter and of the claim.
//
// Spec: RFC 9396 §2, §7, §9.
const Parameter = "authorization_details"

// Bounds of the parameter.
const (
	MaxElements = 20
	MaxLength   = 16 << 10 // bytes

	maxDepth  = 8
	maxNumber = 32 // characters
)

// InvalidError reports invalid authorization details. Its text is printable ASCII without quotes.
type InvalidError struct{ Reason string }

// Error implements error.
func (e *InvalidError) Error() string { return e.Reason }

func invalid(reason string) error { return &InvalidError{reason} }

// Detail is an element of the parameter: an object with a member type. Its JSON is canonical: sorted
// members, no space, numbers without superfluous digits.
type Detail struct {
	Type string

	members map[string]any // texts, bools, json.Number, maps and lists of these
	text    string         // canonical JSON
}

// Text returns the canonical JSON.
func (d Detail) Text() string { return d.text }

// Equal reports whether two details have the same members with the same values.
func (d Detail) Equal(other Detail) bool { return d.text == other.text }

// MarshalJSON implements [json.Marshaler].
func (d Detail) MarshalJSON() ([]byte, error) { return []byte(d.text), nil }

// UnmarshalJSON reads a detail that this server has stored or signed.
func (d *Detail) UnmarshalJSON(raw []byte) error {
	list, err := Parse("[" + string(raw) + "]")
	if err == nil && len(list) != 1 {
		err = invalid("a stored detail is not one object")
	}
	if err != nil {
		return err
	}
	*d = list[0]
	return nil
}

// List is a list of details. The empty list is nil.
type List []Detail

// Text returns the list as JSON, empty for an empty list.
func (l List) Text() string {
	if len(l) == 0 {
		return ""
	}
	texts := make([]string, len(l))
	for i, d := range l {
		texts[i] = d.text
	}
	return "[" + strings.Join(texts, ",") + "]"
}

// Types returns the types of the details that other does not have, each once.
func (l List) Types(other List) (types []string) {
	for _, d := range l {
		if !other.Has(d) && !slices.Contains(types, d.Type) {
			types = append(types, d.Type)
		}
	}
	return types
}

// Has reports whether the list has a detail equal to d.
func (l List) Has(d Detail) bool { return slices.ContainsFunc(l, d.Equal) }

// Covers reports whether the list has each detail of other.
func (l List) Covers(other List) bool {
	return !slices.ContainsFunc(other, func(d Detail) bool { return !l.Has(d) })
}

// Join returns the details of both lists, each once: at most MaxElements, of which the first are left
// out.
func (l List) Join(other List) List {
	joined := slices.DeleteFunc(slices.Clone(l), other.Has)
	joined = append(joined, other...)
	for len(joined) > MaxElements || len(joined.Text()) > MaxLength {
		joined = joined[1:]
	}
	return joined
}

// Parse reads the parameter authorization_details. An empty text is an empty list. It returns an
// [InvalidError] for a text that is not a JSON array of objects with a type, exceeds the bounds, or has
// duplicate members, equal elements, null, or numbers that are not plain decimals.
//
// Spec: RFC 9396 §2, §5.
func Parse(raw string) (List, error) {
	switch {
	case raw == "":
		return nil, nil
	case len(raw) > MaxLength:
		return nil, invalid("authorization_details must not be longer than 16 KiB")
	case !utf8.ValidString(raw):
		return nil, errNotArray()
	}
	p := &parser{json.NewDecoder(strings.NewReader(raw))}
	p.UseNumber()
	value, err := p.value(maxDepth)
	if err != nil {
		return nil, asInvalid(err)
	}
	if _, err := p.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotArray()
	}
	elements, ok := value.([]any)
	if !ok {
		return nil, errNotArray()
	}
	if len(elements) > MaxElements {
		return nil, invalid("authorization_details must have at most 20 elements")
	}
	var list List
	for _, element := range elements {
		members, _ := element.(map[string]any)
		d := Detail{members: members}
		if d.Type, ok = members["type"].(string); !ok || d.Type == "" {
			return nil, invalid("each element of authorization_details must be an object with the text member type")
		}
		d.text = encode(members)
		if list.Has(d) {
			return nil, invalid("authorization_details has the same element twice")
		}
		list = append(list, d)
	}
	return list, nil
}

func errNotArray() error { return invalid("authorization_details must be a JSON array") }

// asInvalid returns err if it is an [InvalidError], and else the error for malformed JSON.
func asInvalid(err error) error {
	if known, ok := errors.AsType[*InvalidError](err); ok {
		return known
	}
	return errNotArray()
}

// parser reads JSON values.
type parser struct{ *json.Decoder }

// value reads the next value, with at most depth levels of objects and lists.
func (p *parser) value(depth int) (any, error) {
	token, err := p.Token()
	if err != nil {
		return nil, err
	}
	switch token := token.(type) {
	case json.Delim:
		if depth == 0 {
			return nil, invalid("authorization_details is nested too deeply")
		}
		if token == '{' {
			return p.object(depth - 1)
		}
		return p.list(depth - 1)
	case json.Number:
		return plain(token)
	case nil:
		return nil, invalid("authorization_details must not contain null")
	default: // a text or a bool
		return token, nil
	}
}

func (p *parser) object(depth int) (any, error) {
	members := map[string]any{}
	for p.More() {
		token, err := p.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string)
		if _, ok := members[name]; ok {
			return nil, invalid("authorization_details has a member twice")
		}
		if members[name], err = p.value(depth); err != nil {
			return nil, err
		}
	}
	_, err := p.Token()
	return members, err
}

func (p *parser) list(depth int) (any, error) {
	items := []any{}
	for p.More() {
		item, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	_, err := p.Token()
	return items, err
}

// plain returns a number without superfluous digits. Exponents are refused, since computing with a huge
// one takes all memory.
func plain(n json.Number) (json.Number, error) {
	text := n.String()
	if len(text) > maxNumber || strings.ContainsAny(text, "eE") {
		return "", invalid("authorization_details has a number that is not a decimal of at most 32 characters")
	}
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if text == "-0" {
		text = "0"
	}
	return json.Number(text), nil
}

// encode returns canonical JSON: [json.Encoder] sorts the members.
func encode(value any) string {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	_ = e.Encode(value) // a parsed value can be encoded
	return strings.TrimSuffix(text.String(), "\n")
}
