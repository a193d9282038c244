package server

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/middleware"
	"github.com/ostiary/ostiary/internal/pages"
)

// The paths that are written into documents and redirects.
const (
	pathAuthorize  = "/oauth2/auth"
	pathToken      = "/oauth2/token" //nolint:gosec // a path, not a credential
	pathRevoke     = "/oauth2/revoke"
	pathIntrospect = "/oauth2/introspect"
	pathLogout     = "/oauth2/sessions/logout"
	pathCheck      = "/oauth2/sessions/check"
	pathUserinfo   = "/userinfo"
	pathKeys       = "/.well-known/jwks.json"
	pathRegister   = "/connect/register"
	pathLogin      = "/login"
	pathSignUp     = "/signup"
	pathConsent    = "/consent"
	PathSetup      = "/setup"
	pathDevice     = "/device" // short, since people type it
	pathDeviceAuth = "/oauth2/device/auth"
	pathVerify     = "/oauth2/device/verify"
)

const requestTimeout = 10 * time.Second

// public is the one list of what people and clients can reach.
func (a *Server) Public() http.Handler {
	r := chi.NewRouter()
	r.Use(
		middleware.RequestID(a.Config.TrustedProxies),
		middleware.ClientAddress(a.Config.TrustedProxies),
		a.warnOfProxy,
		middleware.AccessLog(a.Log, a.Now, a.seen("public")),
		middleware.Refusals(a.reporter.Report),
		middleware.SecurityHeaders(a.Config.SendHSTS()),
		middleware.Recover(a.Log, a.refusePage),
		middleware.IssuerPath{
			Path: a.Config.Path(), Stripped: a.Config.IssuerPath == config.PathStripped,
			Root: rootDocuments(), Shared: []string{"/health/alive", "/health/ready", "/version"}, NotFound: a.notFound,
		}.Handler,
		a.admission.publicBodies.Handler,
	)
	a.documents(r)
	timed := r.With(middleware.Timeout(requestTimeout))
	a.health(timed, a.Config.PublicVersion, "")
	a.machines(timed)
	a.people(timed)
	r.NotFound(a.notFound)
	r.MethodNotAllowed(strangeMethod)
	return r
}

// rootDocuments are the paths of the metadata. Below an issuer with a path they are
// appended to it (OpenID Connect Discovery) and, at the root of the host, followed by it
// (RFC 8414 section 3.1, and for OpenID providers section 5).
func rootDocuments() []string {
	return []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"}
}

func (a *Server) notFound(w http.ResponseWriter, r *http.Request) {
	noteNotFound(r)
	a.refusePage(w, r, http.StatusNotFound, "not_found", "")
}

// documents are what clients read of us. They are in memory, so that there is nothing
// to be cut off after a time.
func (a *Server) documents(r chi.Router) {
	document := r.With(
		middleware.CORS(http.MethodGet),
		middleware.Form(middleware.FormRule{Methods: []string{http.MethodGet}, Query: true}),
	)
	for _, path := range rootDocuments() {
		document.Handle(path, a.discovery)
	}
	document.Handle(pathKeys, a.Keys.Handler())
}

// machines are the endpoints that clients call. Any origin may, since none of
// them looks at a cookie.
func (a *Server) machines(r chi.Router) {
	large := middleware.LargeBody(a.admission.largeJSON)
	post := r.With(
		middleware.CORS(http.MethodPost),
		large,
		middleware.Form(middleware.FormRule{Methods: []string{http.MethodPost}, Repeatable: []string{"resource", "audience"}}),
	)
	post.With(a.admission.tokens.Handler).Handle(pathToken, a.OAuth2.Token)
	post.With(a.admission.checks.Handler).Handle(pathRevoke, a.OAuth2.Revocation)
	post.With(a.admission.checks.Handler).Handle(pathIntrospect, a.OAuth2.Introspection)

	post.With(middleware.Limit(a.limit(limitDevices, 300, time.Minute), a.Now), a.admission.tokens.Handler).
		Handle(pathDeviceAuth, a.OAuth2.DeviceAuth)

	r.With(
		middleware.CORS(http.MethodGet, http.MethodPost),
		large,
		middleware.Form(middleware.FormRule{Methods: []string{http.MethodGet, http.MethodPost}}),
		a.admission.checks.Handler,
	).Handle(pathUserinfo, a.userinfo)

	// Under the older path a client may bring its secret in the query.
	a.registrations(r, pathRegister, "client_id", "client_secret")
	a.registrations(r, "/oauth2/register")
}

// registrations are the endpoints of RFC 7591 and RFC 7592 under one path.
func (a *Server) registrations(r chi.Router, path string, query ...string) {
	create, manage := a.limit(limitRegistrations, 10, time.Hour), a.limit(limitManagement, 100, time.Minute)
	large := middleware.LargeBody(a.admission.largeJSON)
	r.With(
		middleware.CORS(http.MethodPost),
		large,
		middleware.JSONBody(middleware.JSONRule{Methods: []string{http.MethodPost}}),
		middleware.Limit(create, a.Now),
		a.admission.registration.Handler,
	).HandleFunc(path, a.registration.Create)
	r.With(
		middleware.CORS(http.MethodGet, http.MethodPut, http.MethodDelete),
		large,
		middleware.JSONBody(middleware.JSONRule{Methods: []string{http.MethodGet, http.MethodPut, http.MethodDelete}, Query: query}),
		middleware.Limit(manage, a.Now),
		a.admission.registration.Handler,
	).HandleFunc(path+"/{id}", byMethod(map[string]http.Handler{
		http.MethodGet:    http.HandlerFunc(a.registration.Get),
		http.MethodPut:    http.HandlerFunc(a.registration.Update),
		http.MethodDelete: http.HandlerFunc(a.registration.Delete),
	}))
}

// people are the pages, and the two endpoints that people are redirected to.
// Requests from other sites may come to those two alone.
func (a *Server) people(r chi.Router) {
	both := []string{http.MethodGet, http.MethodPost}
	large := middleware.LargeBody(a.admission.largePages)
	entry := r.With(large, middleware.Form(middleware.FormRule{
		Methods: both, Query: true, Repeatable: []string{"resource", "audience"}, Refuse: a.refuseEntry,
	}))
	begin, end := a.limit(limitAuthorizations, 300, time.Minute), a.limit(limitSignOuts, 300, time.Minute)
	begin.Refuse, end.Refuse = a.refusePage, a.refusePage
	entry.With(middleware.Limit(begin, a.Now), a.admission.pages.Handler).Handle(pathAuthorize, a.OAuth2.Authorize)
	leave := entry
	if a.Config.LogoutURL != "" { // each time is kept until the app has answered
		leave = entry.With(middleware.Limit(end, a.Now))
	}
	leave.With(a.admission.pages.Handler).Handle(pathLogout, a.logout)

	own := r.With(
		middleware.OwnForms(middleware.Origins{Issuer: a.Config.Origin(), Refuse: a.refusePage, WrongAddress: a.wrongAddress}),
		large,
		middleware.Form(middleware.FormRule{Methods: both, Query: true, Refuse: a.refusePage}),
	)
	pages := func(handler http.HandlerFunc) http.Handler { return a.admission.pages.Handler(handler) }
	passwords := func(handler http.HandlerFunc) http.Handler { return a.admission.passwords.Handler(handler) }
	if a.Config.LoginURL == "" {
		own.HandleFunc(pathLogin, byMethod(map[string]http.Handler{
			http.MethodGet: pages(a.login.SignIn.Page), http.MethodPost: passwords(a.login.SignIn.Submit),
		}))
	}
	if a.Config.SignUp {
		own.HandleFunc(pathSignUp, byMethod(map[string]http.Handler{
			http.MethodGet: pages(a.login.SignUp.Page), http.MethodPost: passwords(a.login.SignUp.Submit),
		}))
	}
	if a.Config.ConsentURL == "" {
		own.HandleFunc(pathConsent, byMethod(map[string]http.Handler{
			http.MethodGet: pages(a.login.Consent.Page), http.MethodPost: pages(a.login.Consent.Submit),
		}))
	}
	a.devices(r, own, pages)
	own.HandleFunc(PathSetup, byMethod(map[string]http.Handler{
		http.MethodGet: pages(a.login.Setup.Page), http.MethodPost: passwords(a.login.Setup.Submit),
	}))
	getAndHead(own, "/", pages(a.login.Home.Page))
	r.With(middleware.Form(middleware.FormRule{
		Methods: []string{http.MethodGet}, Query: true, Refuse: a.refusePage,
	})).Handle(pathCheck, a.pages.CheckSession(a.Cookies.StateName()))
	r.Handle("/static/*", a.pages.Static())
}

// devices are the pages at which people enter the code of a device, or from where they
// go to the operator's app for it. There, each visit is kept. Wrong codes and visits are
// counted by network, and no other site's page may use up its limit.
func (a *Server) devices(r, own chi.Router, pages func(http.HandlerFunc) http.Handler) {
	if a.Config.DeviceURL == "" {
		for _, path := range []string{pathDevice, pathVerify} {
			own.With(middleware.Navigation(a.refusePage)).HandleFunc(path, byMethod(map[string]http.Handler{
				http.MethodGet: pages(a.login.Device.Page), http.MethodPost: pages(a.login.Device.Submit),
			}))
		}
		return
	}
	visit := a.limit(limitDeviceVisits, 60, time.Hour)
	visit.Refuse = a.refusePage
	for _, path := range []string{pathDevice, pathVerify} {
		r.With(
			middleware.Navigation(a.refusePage),
			middleware.Form(middleware.FormRule{Methods: []string{http.MethodGet}, Query: true, Refuse: a.refuseEntry}),
			middleware.Limit(visit, a.Now),
		).Handle(path, pages(a.login.Device.Page))
	}
}

// strangeMethod refuses methods that the router itself does not know; the others
// are refused by each endpoint, which knows what it takes.
func strangeMethod(w http.ResponseWriter, r *http.Request) {
	noteMethod(r)
	w.Header().Set("Allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS")
	httpapi.JSONError(w, http.StatusMethodNotAllowed, "invalid_request", "The method is not supported")
}

// getAndHead mounts a handler that answers GET, and HEAD with the same headers.
//
// Spec: RFC 9110 §9.3.2.
func getAndHead(r chi.Router, path string, handler http.Handler) {
	r.Method(http.MethodGet, path, handler)
	r.Method(http.MethodHead, path, handler)
}

// byMethod selects the handler of the request's method. The caller has checked that
// there is one; HEAD uses that of GET.
func byMethod(handlers map[string]http.Handler) http.HandlerFunc {
	if handler, ok := handlers[http.MethodGet]; ok {
		handlers[http.MethodHead] = handler
	}
	return func(w http.ResponseWriter, r *http.Request) {
		handlers[r.Method].ServeHTTP(w, r)
	}
}

// wrongAddress answers a browser that opened the server at another address than the issuer.
func (a *Server) wrongAddress(w http.ResponseWriter, r *http.Request) {
	a.pages.Error(w, http.StatusForbidden, pages.WrongAddress(a.Config.Issuer, middleware.ID(r.Context())))
}

// refusePage answers on a page what a person's browser asked for.
func (a *Server) refusePage(w http.ResponseWriter, r *http.Request, status int, code, description string) {
	a.pages.Error(w, status, pages.Error{Code: code, Detail: description, RequestID: middleware.ID(r.Context())})
}
