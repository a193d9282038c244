package middleware

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"unicode/utf8"
)

// maxDepth is the maximum nesting of arrays and objects.
const maxDepth = 32

// checkJSON rejects JSON that two parsers may read differently.
func checkJSON(raw []byte) error {
	if !utf8.Valid(raw) {
		return invalid("The request body is not UTF-8.")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber() // without conversion, so no number is out of range
	if err := checkValue(d, 0); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return invalid("The request body continues after its JSON value.")
	}
	return nil
}

// checkValue reads one value with all values inside it.
func checkValue(d *json.Decoder, depth int) error {
	token, err := d.Token()
	if err != nil {
		return notJSON()
	}
	switch token := token.(type) {
	case string:
		return checkText(token)
	case json.Delim:
		if depth == maxDepth {
			return invalid("The request body is nested too deeply.")
		}
		if token == '{' {
			return checkObject(d, depth+1)
		}
		return checkArray(d, depth+1)
	}
	return nil
}

func checkArray(d *json.Decoder, depth int) error {
	for d.More() {
		if err := checkValue(d, depth); err != nil {
			return err
		}
	}
	return checkEnd(d)
}

func checkObject(d *json.Decoder, depth int) error {
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return notJSON()
		}
		name, _ := token.(string)
		if err := checkText(name); err != nil {
			return err
		}
		if name = fold(name); seen[name] {
			return invalid("The request body has a duplicate member.")
		}
		seen[name] = true
		if err := checkValue(d, depth); err != nil {
			return err
		}
	}
	return checkEnd(d)
}

// fold returns the form of a name that is equal for all names that encoding/json decodes
// into the same field: it ignores case like the simple folding of Unicode.
func fold(name string) string { return strings.ToLower(strings.ToUpper(name)) }

func checkText(text string) error {
	if strings.Contains(text, "\x00") {
		return invalid("The request body has a NUL.")
	}
	return nil
}

// checkEnd reads the bracket that closes an array or object.
func checkEnd(d *json.Decoder) error {
	if _, err := d.Token(); err != nil {
		return notJSON()
	}
	return nil
}

func notJSON() error { return invalid("The request body is not valid JSON.") }
