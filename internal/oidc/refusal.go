package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"github.com/ostiary/ostiary/internal/jwks"
)

var (
	errNoToken   = errors.New("no bearer token")
	errTwoTokens = errors.New("bearer token in the query or more than once")
	errBadToken  = errors.New("token is not active")
	errScope     = errors.New("token lacks the scope openid")
)

// temporary reports whether err says nothing about the request: the database or
// the keys are out of reach, or there was no time left.
func temporary(err error) bool {
	var store interface{ Unavailable() bool }
	return errors.As(err, &store) && store.Unavailable() || errors.Is(err, jwks.ErrStale) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

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
	case temporary(err):
		status, code, text = http.StatusServiceUnavailable, "temporarily_unavailable", "The server cannot answer right now."
		w.Header().Set("Retry-After", "1")
	}

	level := slog.LevelInfo
	if status >= http.StatusInternalServerError {
		level = slog.LevelError
	} else {
		challenge := `Bearer realm="` + u.Issuer + `"`
		if !errors.Is(err, errNoToken) { // whoever brought nothing is told nothing
			challenge += `, error="` + code + `", error_description="` + text + `"`
		}
		if scope != "" {
			challenge += `, scope="` + scope + `"`
		}
		w.Header().Set("WWW-Authenticate", challenge)
	}
	u.Log.LogAttrs(r.Context(), level, "userinfo refused", slog.Int("status", status), slog.Any("error", err))

	head := w.Header()
	head.Set("Content-Type", "application/json")
	head.Set("Cache-Control", "no-store")
	head.Set("Pragma", "no-cache")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{ // a caller that went away is told nothing
		"error": code, "error_description": text, "status_code": status,
	})
}
