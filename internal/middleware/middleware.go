// Package middleware checks and limits requests before they reach a handler.
//
// It finds the client address and assigns a request ID, logs requests, checks paths,
// headers and bodies, and limits rates, sizes and concurrent work. It has no OAuth state.
// A handler may rely on these checks and does not repeat them.
//
// Handlers are mounted for all methods (Handle of chi): CORS responds to preflight
// requests, and [Form] and [JSONBody] respond to wrong methods with an OAuth error.
package middleware

import (
	"net/http"

	"github.com/ostiary/ostiary/internal/httpapi"
)

// Refuser writes the response to a rejected request in the format of its endpoint: JSON
// or a page. The code is one of RFC 6749 §5.2, and the description may be shown to users.
type Refuser func(w http.ResponseWriter, r *http.Request, status int, code, description string)

// JSON is the [Refuser] of endpoints that respond with JSON.
func JSON(w http.ResponseWriter, _ *http.Request, status int, code, description string) {
	httpapi.JSONError(w, status, code, description)
}
