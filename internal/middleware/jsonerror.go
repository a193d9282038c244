package middleware

import (
	"encoding/json"
	"net/http"
	"strings"
)

// JSONError writes an error as OAuth defines it, never to be cached.
//
// Spec: RFC 6749 section 5.2.
func JSONError(w http.ResponseWriter, status int, code, description string) {
	body, _ := json.Marshal(struct {
		Error       string `json:"error"`
		Description string `json:"error_description,omitempty"`
		Status      int    `json:"status_code"`
	}{code, Description(description), status})

	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

// Description is text with the characters that error_description may not hold
// replaced: it is printable ASCII without quotation marks and backslashes.
//
// Spec: RFC 6749 section 5.2.
func Description(text string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '"':
			return '\''
		case c == '\n' || c == '\r' || c == '\t':
			return ' '
		case c < 0x20 || c > 0x7e || c == '\\':
			return '?'
		default:
			return c
		}
	}, text)
}
