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

// maxDepth bounds how deep arrays and objects nest.
const maxDepth = 32

// Object is a JSON object as it was written: without NUL, every member once, its name
// compared with case. The decoder of the standard library, left alone, takes the
// last of several and EXP for exp.
type Object map[string]any

// parseObject reads a whole text as one JSON object.
func parseObject(text []byte) (Object, bool) {
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

// parseValue reads one value and all within it, which obeys the same rules.
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

// plain reports whether a text is one that any database takes.
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

// Has reports whether there is a member of that name.
func (o Object) Has(name string) bool {
	_, ok := o[name]
	return ok
}

// Text returns a member that is a string, or nothing.
func (o Object) Text(name string) string {
	s, _ := o[name].(string)
	return s
}

// Date returns a member that is a NumericDate (RFC 7519 §2), which may have a
// fraction.
func (o Object) Date(name string) (time.Time, bool) {
	const farthest = 1e12 // seconds; their microseconds still are an int64
	seconds, ok := o[name].(float64)
	if !ok || seconds < -farthest || seconds > farthest {
		return time.Time{}, false
	}
	return time.UnixMicro(int64(seconds * 1e6)), true
}
