// Package httpapi holds what all protocol endpoints share on the HTTP side: JSON
// responses, redirects, the error response with its headers and log entry, and the
// parser of access tokens in requests.
//
// An endpoint decides in a function that returns an error. Only [Errors] turns that error
// into a status, a code and headers, and notes it for the log.
package httpapi

import (
	"encoding/json"
	"net/http"
	"strings"
)

// Header values that all responses share. A handler that sets a header replaces the
// slice and leaves these unchanged.
//
//nolint:gochecknoglobals // never modified
var (
	typeJSON = []string{"application/json"}
	noStore  = []string{"no-store"}
	noCache  = []string{"no-cache"}
)

// JSON writes body as JSON with headers that forbid caching. It panics if body cannot be
// encoded.
//
// Spec: RFC 6749 §5.1.
func JSON(w http.ResponseWriter, status int, body any) {
	encoded, err := json.Marshal(body)
	if err != nil {
		panic(err) // body is always a type of this program
	}
	head := w.Header()
	head["Content-Type"], head["Cache-Control"], head["Pragma"] = typeJSON, noStore, noCache
	w.WriteHeader(status)
	_, _ = w.Write(append(encoded, '\n')) // an error here means that the client has disconnected
}

// ErrorBody is the body of an error response. Clients written for Ory Hydra read
// status_code.
//
// Spec: RFC 6749 §5.2.
type ErrorBody struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitempty"`
	Status      int    `json:"status_code,omitempty"`
}

// JSONError writes an error response. The caller sets further headers before.
func JSONError(w http.ResponseWriter, status int, code, description string) {
	JSON(w, status, ErrorBody{code, Description(description), status})
}

// Description replaces the characters of text that error_description must not contain.
// It allows printable ASCII without quotation marks and backslashes.
//
// Spec: RFC 6749 §5.2.
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
