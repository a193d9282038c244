package server

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/ostiary/ostiary/internal/console/factors"
	"github.com/ostiary/ostiary/internal/oauth2/authorize"
	"github.com/ostiary/ostiary/internal/session"
)

// mountSecondFactors mounts the account pages of second factors.
func mountSecondFactors(s *Server, own chi.Router, pages func(http.HandlerFunc) http.Handler) {
	c := &factors.Config{
		Issuer: strings.TrimSuffix(s.Config.Issuer, "/"), Name: s.pages.Name, Factors: s.SecondFactors,
		Session: func(w http.ResponseWriter, r *http.Request, sensitive bool) (*session.Session, bool) {
			return s.OAuth2.Authorize.Session(w, r, authorize.Need{Sensitive: sensitive})
		},
		Manager: s.sessions, Accounts: s.Store.Accounts, Cookies: s.Cookies, Pages: s.pages, Now: s.Now,
	}
	authenticator, codes := &factors.Authenticator{Config: c}, &factors.RecoveryCodes{Config: c}
	own.HandleFunc(factors.AuthenticatorPath, byMethod(map[string]http.Handler{
		http.MethodGet: pages(authenticator.Page), http.MethodPost: pages(authenticator.Submit),
	}))
	own.HandleFunc(factors.RecoveryCodesPath, byMethod(map[string]http.Handler{
		http.MethodGet: pages(codes.Page), http.MethodPost: pages(codes.Submit),
	}))
}
