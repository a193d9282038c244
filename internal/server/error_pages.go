package server

import (
	"cmp"
	"net/http"
	"net/url"

	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/middleware"
	"github.com/ostiary/ostiary/internal/pages"
)

// errorPages are the pages of the endpoints that people are redirected to. What cannot
// go back to a client ends at the operator's own address, if they have one.
type errorPages struct {
	*pages.Pages

	errorURL string // empty for the page of ours
}

func (s *Server) errorPages() errorPages { return errorPages{s.pages, s.Config.ErrorURL} }

// Error sends the person to the operator's page. Faults of ours, and refusals for the
// moment, stay here: their status and Retry-After are for whoever watches.
func (p errorPages) Error(w http.ResponseWriter, status int, v pages.Error) {
	if p.errorURL == "" || status >= http.StatusInternalServerError || status == http.StatusTooManyRequests {
		p.Pages.Error(w, status, v)
		return
	}
	said := url.Values{"error": {cmp.Or(v.Code, "server_error")}}
	if v.Detail != "" {
		said.Set("error_description", v.Detail)
	}
	httpapi.SeeOther(w, httpapi.AddQuery(p.errorURL, said.Encode()))
}

// refuseEntry answers what the middleware refuses at such an endpoint.
func (s *Server) refuseEntry(w http.ResponseWriter, r *http.Request, status int, code, description string) {
	s.errorPages().Error(w, status, pages.Error{Code: code, Detail: description, RequestID: middleware.ID(r.Context())})
}
