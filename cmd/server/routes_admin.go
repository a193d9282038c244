package main

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/middleware"
)

// admin is what only operators and their machines reach.
func (a *app) admin() http.Handler {
	r := chi.NewRouter()
	r.Use(
		middleware.RequestID(a.config.TrustedProxies),
		middleware.ClientAddress(a.config.TrustedProxies),
		middleware.AccessLog(a.log, a.now),
		middleware.SecurityHeaders(false),
		middleware.Recover(a.log, middleware.JSON),
		middleware.Timeout(requestTimeout),
	)
	a.health(r)
	a.apps(r)
	r.NotFound(func(w http.ResponseWriter, _ *http.Request) {
		middleware.JSONError(w, http.StatusNotFound, "not_found", "There is nothing here")
	})
	r.MethodNotAllowed(strangeMethod)
	return r
}

// apps are the endpoints at which the operator's login and consent apps answer, for
// those of them that there are.
func (a *app) apps(r chi.Router) {
	const requests = "/oauth2/auth/requests"
	if a.config.LoginURL != "" {
		a.answered(r, http.MethodGet, requests+"/login", "login_challenge", a.operator.LoginRequest)
		a.answered(r, http.MethodPut, requests+"/login/accept", "login_challenge", a.operator.AcceptLogin)
		a.answered(r, http.MethodPut, requests+"/login/reject", "login_challenge", a.operator.RejectLogin)
	}
	if a.config.ConsentURL != "" {
		a.answered(r, http.MethodGet, requests+"/consent", "consent_challenge", a.operator.ConsentRequest)
		a.answered(r, http.MethodPut, requests+"/consent/accept", "consent_challenge", a.operator.AcceptConsent)
		a.answered(r, http.MethodPut, requests+"/consent/reject", "consent_challenge", a.operator.RejectConsent)
	}
	if a.config.LogoutURL != "" {
		a.answered(r, http.MethodGet, requests+"/logout", "logout_challenge", a.operator.LogoutRequest)
		a.answered(r, http.MethodPut, requests+"/logout/accept", "logout_challenge", a.operator.AcceptLogout)
		a.answered(r, http.MethodPut, requests+"/logout/reject", "logout_challenge", a.operator.RejectLogout)
	}
}

// answered mounts an endpoint of the administrators' API under all its paths: with
// and without the prefix, with and without a slash at the end.
func (a *app) answered(r chi.Router, method, path, challenge string, serve http.HandlerFunc) {
	scope := apikey.RequestsWrite
	if method == http.MethodGet {
		scope = apikey.RequestsRead
	}
	with := r.With(
		a.operator.Allow(scope),
		middleware.JSONBody(middleware.JSONRule{
			Methods: []string{method}, Query: []string{challenge, "challenge"}, Optional: challenge == "logout_challenge",
		}),
		a.room.apps.Handler,
	)
	for _, prefix := range []string{"", "/admin"} {
		with.HandleFunc(prefix+path, serve)
		with.HandleFunc(prefix+path+"/", serve)
	}
}
