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

// The paths that appear in metadata and redirects.
const (
	pathAuthorize  = "/oauth2/auth"
	pathToken      = "/oauth2/token" //nolint:gosec // a path, not a credential
	pathPush       = "/oauth2/par"
	pathRevoke     = "/oauth2/revoke"
	pathIntrospect = "/oauth2/introspect"
	pathLogout     = "/oauth2/sessions/logout"
	pathCheck      = "/oauth2/sessions/check"
	pathUserinfo   = "/userinfo"
	pathDemo       = "/demo/resource"
	pathKeys       = "/.well-known/jwks.json"
	pathRegister   = "/connect/register"
	pathLogin      = "/login"
	pathSignUp     = "/signup"
	// The page on which users sign in with a mailed code.
	pathCode = "/login/code"
	// The page on which users prove a second factor.
	pathSecondFactor = "/login/second-factor"
	pathNewPassword  = "/login/password"
	pathTerms        = "/login/terms"
	// The page on which users add an authenticator app while they sign in.
	pathEnrol         = "/login/enrol"
	pathConsent       = "/consent"
	pathRecover       = "/recover"
	pathInvitation    = "/invitation"
	pathVerifyAddress = "/verify"
	pathUndo          = "/undo"
	pathNotMe         = "/not-me"
	PathSetup         = "/setup"
	pathDevice        = "/device" // short, since users type it
	pathDeviceAuth    = "/oauth2/device/auth"
	pathBackchannel   = "/oauth2/ciba"
	pathVerify        = "/oauth2/device/verify"
	pathLanguage      = "/language"
)

const requestTimeout = 10 * time.Second

// Public returns the handler of the public listener, with all of its routes.
func (s *Server) Public() http.Handler {
	r := chi.NewRouter()
	r.Use(
		middleware.RequestID(s.Config.TrustedProxies),
		middleware.ClientAddress(s.Config.TrustedProxies),
		s.warnOfProxy,
		middleware.AccessLog(s.Log, s.Now, s.countRequests("public")),
		middleware.Refusals(s.reporter.Report),
		middleware.SecurityHeaders(s.Config.SendHSTS()),
		middleware.Recover(s.Log, s.refusePage),
		forwardedCertificate(s.Config),
		middleware.IssuerPath{
			Path: s.Config.Path(), Stripped: s.Config.IssuerPath == config.PathStripped,
			Root: rootDocuments(), Inserted: []string{pathResourceMetadata}, Shared: []string{"/health/alive", "/health/ready", "/version", pathPasskeyEndpoints, pathRelatedOrigins}, NotFound: s.notFound,
		}.Handler,
		s.admission.publicBodies.Handler,
	)
	mountDocuments(s, r)
	timed := r.With(middleware.Timeout(requestTimeout))
	mountHealth(s, timed, s.Config.PublicVersion, "")
	mountClientEndpoints(s, timed)
	mountRegistrations(s, timed)
	mountPages(s, timed)
	if s.Config.Console == config.ConsolePublic {
		mountAdminConsole(s, timed)
	}
	r.NotFound(s.notFound)
	r.MethodNotAllowed(methodNotAllowed)
	return r
}

// rootDocuments returns the paths of the metadata. For an issuer with a path, the path
// precedes them (OpenID Connect Discovery) or follows them at the root of the host (RFC 8414
// section 3.1, and section 5 for OpenID providers).
func rootDocuments() []string {
	return []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"}
}

func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	recordNotFound(r)
	s.refusePage(w, r, http.StatusNotFound, "not_found", "")
}

// mountDocuments mounts metadata and key set. They are served from memory, without a timeout.
func mountDocuments(s *Server, r chi.Router) {
	document := r.With(
		middleware.CORS(http.MethodGet),
		middleware.Form(middleware.FormRule{Methods: []string{http.MethodGet}, Query: true}),
	)
	for _, path := range rootDocuments() {
		document.Handle(path, s.discovery)
	}
	document.Handle(pathKeys, s.Keys.Handler())
	mountResourceMetadata(s, document, true)
}

// mountClientEndpoints mounts the endpoints that clients call. They allow any origin, since
// they do not read cookies.
func mountClientEndpoints(s *Server, r chi.Router) {
	large := middleware.BodyLimit(s.admission.largeJSON)
	post := r.With(
		middleware.CORS(http.MethodPost),
		large,
		middleware.Form(middleware.FormRule{Methods: []string{http.MethodPost}, Repeatable: []string{"resource", "audience"}}),
	)
	post.With(s.admission.tokens.Handler).Handle(pathToken, s.OAuth2.Token)
	post.With(s.admission.tokens.Handler).Handle(pathPush, s.OAuth2.Push)
	post.With(s.admission.checks.Handler).Handle(pathRevoke, s.OAuth2.Revocation)
	post.With(s.admission.checks.Handler).Handle(pathIntrospect, s.OAuth2.Introspection)

	post.With(middleware.RateLimit(s.limit(limitDevices, 300, time.Minute), s.Now), s.admission.tokens.Handler).
		Handle(pathDeviceAuth, s.OAuth2.DeviceAuth)

	post.With(s.admission.tokens.Handler).Handle(pathBackchannel, s.OAuth2.Backchannel)

	r.With(
		middleware.CORS(http.MethodGet, http.MethodPost),
		large,
		middleware.Form(middleware.FormRule{Methods: []string{http.MethodGet, http.MethodPost}}),
		s.admission.checks.Handler,
	).Handle(pathUserinfo, s.userinfo)
	mountDemoResource(s, r)
}

// mountRegistrations mounts the endpoints for clients that register themselves.
func mountRegistrations(s *Server, r chi.Router) {
	// The older path allows client credentials in the query.
	mountRegistration(s, r, pathRegister, "client_id", "client_secret")
	mountRegistration(s, r, "/oauth2/register")
}

// mountRegistration mounts the endpoints of RFC 7591 and RFC 7592 under a path.
func mountRegistration(s *Server, r chi.Router, path string, query ...string) {
	create, manage := s.limit(limitRegistrations, 10, time.Hour), s.limit(limitManagement, 100, time.Minute)
	large := middleware.BodyLimit(s.admission.largeJSON)
	r.With(
		middleware.CORS(http.MethodPost),
		large,
		middleware.JSONBody(middleware.JSONRule{Methods: []string{http.MethodPost}}),
		middleware.RateLimit(create, s.Now),
		s.admission.registration.Handler,
	).HandleFunc(path, s.registration.Create)
	r.With(
		middleware.CORS(http.MethodGet, http.MethodPut, http.MethodDelete),
		large,
		middleware.JSONBody(middleware.JSONRule{Methods: []string{http.MethodGet, http.MethodPut, http.MethodDelete}, Query: query}),
		middleware.RateLimit(manage, s.Now),
		s.admission.registration.Handler,
	).HandleFunc(path+"/{id}", byMethod(map[string]http.Handler{
		http.MethodGet:    http.HandlerFunc(s.registration.Get),
		http.MethodPut:    http.HandlerFunc(s.registration.Update),
		http.MethodDelete: http.HandlerFunc(s.registration.Delete),
	}))
}

// mountPages mounts the pages, and the two endpoints that browsers are redirected to. Only
// those two accept cross-site requests.
func mountPages(s *Server, r chi.Router) {
	both := []string{http.MethodGet, http.MethodPost}
	large := middleware.BodyLimit(s.admission.largePages)
	entry := r.With(large, middleware.Form(middleware.FormRule{
		Methods: both, Query: true, Repeatable: []string{"resource", "audience"}, Refuse: s.refuseEntry,
	}))
	begin, end := s.limit(limitAuthorizations, 300, time.Minute), s.limit(limitSignOuts, 300, time.Minute)
	begin.Refuse, end.Refuse = s.refusePage, s.refusePage
	entry.With(middleware.RateLimit(begin, s.Now), s.admission.pages.Handler).Handle(pathAuthorize, s.OAuth2.Authorize)
	leave := entry
	if s.Config.LogoutURL != "" { // each request is stored until the app has answered
		leave = entry.With(middleware.RateLimit(end, s.Now))
	}
	leave.With(s.admission.pages.Handler).Handle(pathLogout, s.logout)

	sameOrigin := r.With(
		middleware.OwnForms(middleware.Origins{Issuer: s.Config.Origin(), Refuse: s.refusePage, WrongAddress: s.wrongAddress}),
		large,
	)
	own := sameOrigin.With(middleware.Form(middleware.FormRule{Methods: both, Query: true, Refuse: s.refusePage}))
	forms := sameOrigin.With(middleware.Form(middleware.FormRule{Methods: []string{http.MethodPost}, Refuse: s.refusePage}))
	pages := func(handler http.HandlerFunc) http.Handler { return s.admission.pages.Handler(handler) }
	passwords := func(handler http.HandlerFunc) http.Handler { return s.admission.passwords.Handler(handler) }
	if s.Config.LoginURL == "" {
		own.HandleFunc(pathLogin, byMethod(map[string]http.Handler{
			http.MethodGet: pages(s.login.SignIn.Page), http.MethodPost: passwords(s.login.SignIn.Submit),
		}))
		own.HandleFunc(pathSecondFactor, byMethod(map[string]http.Handler{
			http.MethodGet: pages(s.login.SecondFactor.Page), http.MethodPost: pages(s.login.SecondFactor.Submit),
		}))
		own.HandleFunc(pathNewPassword, byMethod(map[string]http.Handler{
			http.MethodGet: pages(s.login.NewPassword.Page), http.MethodPost: passwords(s.login.NewPassword.Submit),
		}))
		own.HandleFunc(pathTerms, byMethod(map[string]http.Handler{
			http.MethodGet: pages(s.login.AcceptTerms.Page), http.MethodPost: pages(s.login.AcceptTerms.Submit),
		}))
		own.HandleFunc(pathEnrol, byMethod(map[string]http.Handler{
			http.MethodGet: pages(s.login.Enrol.Page), http.MethodPost: pages(s.login.Enrol.Submit),
		}))
	}
	mountPasskeys(s, own, pages)
	mountLinkPages(s, own, pages, passwords)
	if s.Config.SignUp.ByThemselves() {
		own.HandleFunc(pathSignUp, byMethod(map[string]http.Handler{
			http.MethodGet: pages(s.login.SignUp.Page), http.MethodPost: passwords(s.login.SignUp.Submit),
		}))
	}
	if s.Config.ConsentURL == "" {
		own.HandleFunc(pathConsent, byMethod(map[string]http.Handler{
			http.MethodGet: pages(s.login.Consent.Page), http.MethodPost: pages(s.login.Consent.Submit),
		}))
	}
	mountDevicePages(s, r, own, pages)
	mountAccountConsole(s, own.With(middleware.RateLimit(begin, s.Now)), pages, passwords)
	own.HandleFunc(PathSetup, byMethod(map[string]http.Handler{
		http.MethodGet: pages(s.login.Setup.Page), http.MethodPost: passwords(s.login.Setup.Submit),
	}))
	getAndHead(own, "/", pages(s.login.Home.Page))
	forms.Handle(pathLanguage, pages(s.login.Language.Submit))
	r.With(middleware.Form(middleware.FormRule{
		Methods: []string{http.MethodGet}, Query: true, Refuse: s.refusePage,
	})).Handle(pathCheck, s.pages.CheckSession(s.Cookies.StateName()))
	r.Handle("/static/*", s.pages.Static())
}

// mountDevicePages mounts the pages at which users enter a user code, or the redirect to the
// custom device app, where each visit is stored. Wrong codes and visits are counted per
// network, and requests that another site's page makes in the background are not counted.
func mountDevicePages(s *Server, r, own chi.Router, pages func(http.HandlerFunc) http.Handler) {
	if s.Config.DeviceURL == "" {
		for _, path := range []string{pathDevice, pathVerify} {
			own.With(middleware.FetchMetadata(s.refusePage)).HandleFunc(path, byMethod(map[string]http.Handler{
				http.MethodGet: pages(s.login.Device.Page), http.MethodPost: pages(s.login.Device.Submit),
			}))
		}
		return
	}
	visit := s.limit(limitDeviceVisits, 60, time.Hour)
	visit.Refuse = s.refusePage
	for _, path := range []string{pathDevice, pathVerify} {
		r.With(
			middleware.FetchMetadata(s.refusePage),
			middleware.Form(middleware.FormRule{Methods: []string{http.MethodGet}, Query: true, Refuse: s.refuseEntry}),
			middleware.RateLimit(visit, s.Now),
		).Handle(path, pages(s.login.Device.Page))
	}
}

// methodNotAllowed rejects methods that the router does not know. Endpoints reject the others.
func methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	recordMethodNotAllowed(r)
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

// byMethod calls the handler of the request's method, and that of GET for HEAD. The caller has
// checked that there is one.
func byMethod(handlers map[string]http.Handler) http.HandlerFunc {
	if handler, ok := handlers[http.MethodGet]; ok {
		handlers[http.MethodHead] = handler
	}
	return func(w http.ResponseWriter, r *http.Request) {
		handlers[r.Method].ServeHTTP(w, r)
	}
}

// wrongAddress writes the error page for a browser that uses another address of the server
// than the issuer.
func (s *Server) wrongAddress(w http.ResponseWriter, r *http.Request) {
	s.pages.Error(w, r, http.StatusForbidden, pages.WrongAddress(s.Config.Issuer, middleware.ID(r.Context())))
}

// refusePage writes an error page.
func (s *Server) refusePage(w http.ResponseWriter, r *http.Request, status int, code, description string) {
	s.pages.Error(w, r, status, pages.Error{Code: code, Detail: description, RequestID: middleware.ID(r.Context())})
}
