package jws

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// maxDepth is the maximum nesting of arrays and objects.
const maxDepth = 32

// Object is a JSON object without NUL, repeated members, or case-insensitive matches: the
// decoder of the standard library accepts EXP for exp, and the last of repeated members.
type Object map[string]any

// ParseObject parses a text that is exactly one JSON object, of any size.
func ParseObject(text []byte) (Object, bool) {
	if !utf8.Valid(text) {
		return nil, false
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	value, ok := parseValue(dec, 0)
	members, isObject := value.(map[string]any)
	if !ok || !isObject {
		return nil, false
	}
	_, err := dec.Token()
	return members, errors.Is(err, io.EOF)
}

// parseValue parses one value recursively, with the same rules.
func parseValue(dec *json.Decoder, depth int) (any, bool) {
	token, err := dec.Token()
	if err != nil {
		return nil, false
	}
	open, ok := token.(json.Delim)
	switch {
	case !ok:
		text, _ := token.(string)
		return token, plain(text)
	case depth == maxDepth:
		return nil, false
	case open == '{':
		return parseMembers(dec, depth+1)
	default:
		return parseItems(dec, depth+1)
	}
}

// plain reports whether any database can store the text.
func plain(text string) bool { return !strings.Contains(text, "\x00") }

func parseMembers(dec *json.Decoder, depth int) (any, bool) {
	members := map[string]any{}
	for dec.More() {
		token, err := dec.Token()
		name, ok := token.(string)
		if _, twice := members[name]; err != nil || !ok || twice || !plain(name) {
			return nil, false
		}
		if members[name], ok = parseValue(dec, depth); !ok {
			return nil, false
		}
	}
	_, err := dec.Token()
	return members, err == nil
}

func parseItems(dec *json.Decoder, depth int) (any, bool) {
	items := []any{}
	for dec.More() {
		item, ok := parseValue(dec, depth)
		if !ok {
			return nil, false
		}
		items = append(items, item)
	}
	_, err := dec.Token()
	return items, err == nil
}

// Has reports whether the object has the member.
func (o Object) Has(name string) bool {
	_, ok := o[name]
	return ok
}

// Text returns a string member, or "".
func (o Object) Text(name string) string {
	s, _ := o[name].(string)
	return s
}

// Date returns a NumericDate member (RFC 7519 §2), which may have a fraction.
func (o Object) Date(name string) (time.Time, bool) {
	const farthest = 1e12 // seconds; their microseconds still are an int64
	seconds, ok := o[name].(float64)
	if !ok || seconds < -farthest || seconds > farthest {
		return time.Time{}, false
	}
	return time.UnixMicro(int64(seconds * 1e6)), true
}
