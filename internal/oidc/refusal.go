package oidc

import (
	"errors"
	"net/http"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/refusal"
)

var (
	errNoToken   = errors.New("no bearer token")
	errTwoTokens = errors.New("bearer token in the query or more than once")
	errBadToken  = errors.New("token is not active")
	errScope     = errors.New("token lacks the scope openid")
)

// refuse writes what err means to a client, and logs it.
//
// Spec: RFC 6750 section 3.
func (u *Userinfo) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, code, text, scope := http.StatusInternalServerError, "server_error", "The server met a fault of its own.", ""
	switch {
	case errors.Is(err, errNoToken):
		status, code, text = http.StatusUnauthorized, "invalid_token", "An access token is needed."
	case errors.Is(err, errTwoTokens):
		status, code, text = http.StatusBadRequest, "invalid_request", "The access token must come once, in the header or in a form body."
	case errors.Is(err, errBadToken):
		status, code, text = http.StatusUnauthorized, "invalid_token", "The access token is not active."
	case errors.Is(err, errScope):
		status, code, text, scope = http.StatusForbidden, "insufficient_scope", "The access token lacks the scope openid.", "openid"
	case errors.Is(err, client.ErrKeysUnavailable):
		status, code, text = http.StatusBadRequest, "invalid_request", "The answer cannot be encrypted, since there is no key of the client for it."
	case pages.Temporary(err):
		status, code, text = http.StatusServiceUnavailable, "temporarily_unavailable", "The server cannot answer right now."
		w.Header().Set("Retry-After", "1")
	}

	if status < http.StatusInternalServerError {
		challenge := `Bearer realm="` + u.Issuer + `"`
		if !errors.Is(err, errNoToken) { // whoever brought nothing is told nothing
			challenge += `, error="` + code + `", error_description="` + text + `"`
		}
		if scope != "" {
			challenge += `, scope="` + scope + `"`
		}
		w.Header().Set("WWW-Authenticate", challenge)
	}
	refusal.Note(r.Context(), refusal.Rejection{
		Message: "userinfo refused", Status: status, Code: code, Rule: userinfoRule(err), Words: text, Err: err,
	})
	pages.JSONError(w, status, code, text)
}

// userinfoRule returns the rule that rejected a request whose error carries no cause.
func userinfoRule(err error) refusal.Rule {
	switch {
	case errors.Is(err, errNoToken):
		return refusal.TokenMissing
	case errors.Is(err, errTwoTokens):
		return refusal.TokenAmbiguous
	case errors.Is(err, errBadToken):
		return refusal.TokenInactive
	case errors.Is(err, errScope):
		return refusal.TokenScopeMissing
	case errors.Is(err, client.ErrKeysUnavailable):
		return refusal.KeysUnavailable
	default:
		return ""
	}
}
