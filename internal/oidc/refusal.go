package oidc

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/web"
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
	case errors.Is(err, client.ErrNoKeys):
		status, code, text = http.StatusBadRequest, "invalid_request", "The answer cannot be encrypted, since there is no key of the client for it."
	case web.Temporary(err):
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
	ctx := r.Context()
	u.Log.LogAttrs(ctx, web.Level(ctx, status, err), "userinfo refused", slog.Int("status", status), slog.Any("error", err))
	web.JSONError(w, status, code, text)
}
