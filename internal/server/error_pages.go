package server

import (
	"cmp"
	"net/http"
	"net/url"

	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/middleware"
	"github.com/ostiary/ostiary/internal/pages"
)

// errorPages writes the error pages of the endpoints that browsers are redirected to. Errors
// that cannot be redirected to a client are redirected to the configured error_url, if there
// is one.
type errorPages struct {
	*pages.Pages

	errorURL string // empty for the built-in page
}

func (s *Server) errorPages() errorPages { return errorPages{s.pages, s.Config.ErrorURL} }

// Error redirects to the configured URL. Server errors and rate limits use the built-in page,
// so that monitoring sees their status and Retry-After.
func (p errorPages) Error(w http.ResponseWriter, r *http.Request, status int, v pages.Error) {
	if p.errorURL == "" || status >= http.StatusInternalServerError || status == http.StatusTooManyRequests {
		p.Pages.Error(w, r, status, v)
		return
	}
	query := url.Values{"error": {cmp.Or(v.Code, "server_error")}}
	if v.Detail != "" {
		query.Set("error_description", v.Detail)
	}
	httpapi.SeeOther(w, httpapi.AddQuery(p.errorURL, query.Encode()))
}

// refuseEntry writes the error page for a request that the middleware rejects at such an
// endpoint.
func (s *Server) refuseEntry(w http.ResponseWriter, r *http.Request, status int, code, description string) {
	s.errorPages().Error(w, r, status, pages.Error{Code: code, Detail: description, RequestID: middleware.ID(r.Context())})
}
