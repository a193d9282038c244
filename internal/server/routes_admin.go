package server

import (
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/ostiary/ostiary/internal/admin"
	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/middleware"
)

// Admin returns the handler of the admin listener: health, metrics, and the operations of
// [admin.Handler.Operations].
func (s *Server) Admin() http.Handler {
	r := chi.NewRouter()
	r.Use(
		middleware.RequestID(s.Config.TrustedProxies),
		middleware.ClientAddress(s.Config.TrustedProxies),
		s.warnOfProxy,
		middleware.AccessLog(s.Log, s.Now, s.countRequests("admin")),
		middleware.Refusals(s.reporter.Report),
		middleware.SecurityHeaders(false),
		middleware.Recover(s.Log, middleware.JSON),
		forwardedCertificate(s.Config),
		s.admission.adminBodies.Handler,
		middleware.Timeout(requestTimeout),
	)
	mountHealth(s, r, true, "", "/admin")
	mountOpenAPI(s, r)
	mountResourceMetadata(s, r, false)
	for _, path := range []string{"/metrics", "/metrics/prometheus", "/admin/metrics", "/admin/metrics/prometheus"} {
		getAndHead(r, path, s.Metrics.Handler())
	}
	paths := map[string][]*admin.Operation{}
	operations := s.AdminAPI.Operations()
	for i := range operations {
		if o := &operations[i]; o.Do != nil {
			paths[o.Path] = append(paths[o.Path], o)
		}
	}
	for path, of := range paths {
		mountOperations(s, r, path, of)
	}
	if s.Config.Console == config.ConsoleAdmin && s.adminConsole != nil {
		mountAdminConsole(s, r)
	}
	r.NotFound(func(w http.ResponseWriter, r *http.Request) {
		recordNotFound(r)
		httpapi.JSONError(w, http.StatusNotFound, "not_found", "No endpoint has this path.")
	})
	r.MethodNotAllowed(methodNotAllowed)
	return r
}

// mountOperations mounts the operations of a path under all of its names: with and without the
// prefix /admin, with and without a trailing slash.
func mountOperations(s *Server, r chi.Router, path string, of []*admin.Operation) {
	handlers := map[string]http.Handler{}
	for _, o := range of {
		handlers[o.Method] = operationHandler(s, o)
		if o.Method == http.MethodGet {
			handlers[http.MethodHead] = handlers[o.Method]
		}
	}
	var methods []string
	for method := range handlers {
		methods = append(methods, method)
	}
	slices.Sort(methods)
	serve := func(w http.ResponseWriter, r *http.Request) {
		handler, ok := handlers[r.Method]
		if !ok {
			recordMethodNotAllowed(r)
			w.Header().Set("Allow", strings.Join(methods, ", "))
			httpapi.JSONError(w, http.StatusMethodNotAllowed, "invalid_request", "The method is not allowed here.")
			return
		}
		handler.ServeHTTP(w, r)
	}
	for _, prefix := range []string{"", "/admin"} {
		r.HandleFunc(prefix+path, serve)
		r.HandleFunc(prefix+path+"/", serve)
	}
}

// operationHandler adds to an operation what all operations have: authorization, request
// validation and admission.
func operationHandler(s *Server, o *admin.Operation) http.Handler {
	methods := []string{o.Method}
	if o.Method == http.MethodGet {
		methods = append(methods, http.MethodHead)
	}
	var query []string
	for _, p := range o.Query {
		query = append(query, p.Name)
	}
	guard := middleware.JSONBody(middleware.JSONRule{Methods: methods, Query: query, MaxBytes: o.MaxBytes, Patch: o.Patch, Optional: o.Body == nil || o.OptionalBody})
	if len(o.Form) > 0 {
		guard = middleware.Form(middleware.FormRule{Methods: methods})
	}
	limit := s.admission.admin
	if strings.HasPrefix(o.Scope, "requests:") {
		limit = s.admission.apps
	}
	return s.AdminAPI.Allow(o)(middleware.BodyLimit(s.admission.largeAdmin)(guard(limit.Handler(s.AdminAPI.Serve(o)))))
}

// mountOpenAPI mounts the OpenAPI document.
func mountOpenAPI(s *Server, r chi.Router) {
	document, err := s.AdminAPI.Document()
	if err != nil {
		panic(err) // depends only on the operation table
	}
	serve := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(document) // the client may have disconnected
	})
	for _, path := range []string{"/openapi.json", "/admin/openapi.json"} {
		getAndHead(r, path, serve)
	}
}
