// Package middleware stands between the socket and every handler.
//
// It knows HTTP and nothing of OAuth's state: who is calling, what the request is
// called in the log, whether its bytes are fit to be read, and whether there is
// room for it now. The rule it protects: what reaches a handler has been checked
// once, here, and need not be doubted again.
//
// Handlers are mounted for every method (chi's Handle): CORS answers preflights
// and [Form] and [JSONBody] answer wrong methods in the protocol's own words.
package middleware

import (
	"net/http"

	"github.com/ostiary/ostiary/internal/httpapi"
)

// Refuser writes a refusal in the shape its endpoint owes its callers. The code is
// one of RFC 6749 section 5.2 and the description is safe to show.
type Refuser func(w http.ResponseWriter, r *http.Request, status int, code, description string)

// JSON is the [Refuser] of machine endpoints.
func JSON(w http.ResponseWriter, _ *http.Request, status int, code, description string) {
	httpapi.JSONError(w, status, code, description)
}
