package jws

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"time"
	"unicode/utf8"
)

// Object is a JSON object as it was written: every member once, its name
// compared with case. The decoder of the standard library, left alone, takes the
// last of several and EXP for exp.
type Object map[string]any

// parseObject reads a whole text as one JSON object.
func parseObject(text []byte) (Object, bool) {
	if !utf8.Valid(text) {
		return nil, false
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return nil, false
	}
	members := Object{}
	for dec.More() {
		token, err := dec.Token()
		name, ok := token.(string)
		if err != nil || !ok || members.Has(name) {
			return nil, false
		}
		var value any
		if dec.Decode(&value) != nil {
			return nil, false
		}
		members[name] = value
	}
	if _, err := dec.Token(); err != nil {
		return nil, false
	}
	_, err := dec.Token()
	return members, errors.Is(err, io.EOF)
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
