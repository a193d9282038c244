package resource

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
)

// tokenKey is the context key of the token of a request.
type tokenKey struct{}

// TokenOf returns the token of a request that [Server.Require] has accepted, nil for other requests.
func TokenOf(ctx context.Context) *Token {
	token, _ := ctx.Value(tokenKey{}).(*Token)
	return token
}

// Require returns middleware that accepts requests with a token that satisfies need. The handler reads
// the token with [TokenOf].
func (s *Server) Require(need Need) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token, err := s.Authenticate(w.Header(), r)
			if err == nil {
				err = s.Authorize(token, need)
			}
			if err != nil {
				WriteError(w, err)
				return
			}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tokenKey{}, token)))
		})
	}
}

// WriteError writes the response to an error of [Server.Authenticate] or [Server.Authorize]: its status
// and challenge for an [*Error], 503 for any other.
//
// Spec: RFC 6750 §3.
func WriteError(w http.ResponseWriter, err error) {
	header := w.Header()
	e, ok := errors.AsType[*Error](err)
	if ok {
		header.Set("WWW-Authenticate", e.Challenge)
	} else {
		header.Set("Retry-After", "1")
		e = &Error{Status: http.StatusServiceUnavailable, Code: "temporarily_unavailable", Description: "The token cannot be validated now. Try again shortly."}
	}
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(e.Status)
	body, err := json.Marshal(map[string]string{"error": e.Code, "error_description": e.Description})
	if err == nil {
		_, _ = w.Write(body) // the client may have disconnected
	}
}
