package server

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"

	accountconsole "github.com/ostiary/ostiary/internal/console/account"
	"github.com/ostiary/ostiary/internal/console/passkeys"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/oauth2/authorize"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/session"
)

// passkeyPages returns the account page of passkeys, none if passkeys are off.
func passkeyPages(s *Server) []accountconsole.AddedPage {
	if s.relyingParty == nil {
		return nil
	}
	page := &passkeys.Page{
		Issuer: strings.TrimSuffix(s.Config.Issuer, "/"), Store: s.Store.Passkeys, RelyingParty: s.relyingParty,
		Session: func(w http.ResponseWriter, r *http.Request, sensitive bool) (*session.Session, bool) {
			return s.OAuth2.Authorize.Session(w, r, authorize.Need{Sensitive: sensitive})
		},
		TwoFactors: func(w http.ResponseWriter, r *http.Request) (*session.Session, bool) {
			return s.OAuth2.Authorize.Session(w, r, authorize.Need{MaxAge: session.SensitiveMaxAge, ACR: session.LevelTwoFactors})
		},
		EndOthers: s.sessions.EndOthers, Recent: s.isRecent, Accounts: s.Store.Accounts, Pages: s.pages, Now: s.Now,
	}
	return []accountconsole.AddedPage{{
		Path: strings.TrimPrefix(passkeys.Path, accountconsole.Root), Title: messages.New("passkeys.title"), Get: page.Get, Post: page.Post,
	}}
}

// passkeyUser returns the function that identifies a user to authenticators, nil if passkeys are off.
func passkeyUser(s *Server) func(subject string) (rpID, handle string) {
	if s.relyingParty == nil {
		return nil
	}
	return func(subject string) (rpID, handle string) {
		return s.relyingParty.ID, base64.RawURLEncoding.EncodeToString(s.relyingParty.Handle(subject))
	}
}

// passkeyEndpoints serves GET /.well-known/passkey-endpoints, for password managers.
//
// Spec: A Well-Known URL for Passkey Endpoints.
func passkeyEndpoints(s *Server) http.HandlerFunc {
	url := s.Config.URL(passkeys.Path)
	return func(w http.ResponseWriter, _ *http.Request) {
		httpapi.JSON(w, http.StatusOK, map[string]string{"enroll": url, "manage": url})
	}
}

// isRecent reports whether a session suffices for sensitive pages.
func (s *Server) isRecent(ctx context.Context, current *session.Session) (bool, error) {
	level, err := s.highestLevel(ctx, current.Subject)
	return current.IsRecent(s.Now()) && !session.IsMailOnly(current.AMR) && session.Reaches(current.ACR, level), err
}
