package server

import (
	"net/http"
	"strings"

	accountconsole "github.com/ostiary/ostiary/internal/console/account"
	"github.com/ostiary/ostiary/internal/console/factors"
	"github.com/ostiary/ostiary/internal/oauth2/authorize"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/session"
)

// secondFactorPages returns the account pages of second factors.
func secondFactorPages(s *Server) []accountconsole.AddedPage {
	if s.Config.LoginURL != "" {
		return nil
	}
	c := &factors.Config{
		Issuer: strings.TrimSuffix(s.Config.Issuer, "/"), Name: s.pages.Name, Factors: s.SecondFactors,
		Session: func(w http.ResponseWriter, r *http.Request, sensitive bool) (*session.Session, bool) {
			return s.OAuth2.Authorize.Session(w, r, authorize.Need{Sensitive: sensitive})
		},
		Manager: s.sessions, Accounts: s.Store.Accounts, Cookies: s.Cookies, Pages: s.pages, Now: s.Now,
	}
	authenticator, codes := &factors.Authenticator{Config: c}, &factors.RecoveryCodes{Config: c}
	return []accountconsole.AddedPage{
		{Path: strings.TrimPrefix(factors.AuthenticatorPath, accountconsole.Root), Title: messages.New("authenticator.title"), Get: authenticator.Page, Post: authenticator.Submit},
		{Path: strings.TrimPrefix(factors.RecoveryCodesPath, accountconsole.Root), Title: messages.New("recovery-codes.title"), Get: codes.Page, Post: codes.Submit},
	}
}
