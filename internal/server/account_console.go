package server

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/client"
	accountconsole "github.com/ostiary/ostiary/internal/console/account"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/datafile"
	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/login"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/oauth2/authorize"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
)

func composeAccountConsole(s *Server) {
	c := s.Config
	s.account = accountconsole.New(accountconsole.Config{
		Issuer: strings.TrimSuffix(c.Issuer, "/"), Iss: c.Issuer, SignOut: c.URL(pathLogout), LoginApp: c.LoginURL != "",
		Session: func(w http.ResponseWriter, r *http.Request, sensitive bool) (*session.Session, bool) {
			return s.OAuth2.Authorize.Session(w, r, authorize.Need{Sensitive: sensitive})
		},
		OfferUndo: s.login.OfferUndo, OfferNotMe: s.login.OfferNotMe,
		Added: append(passkeyPages(s), secondFactorPages(s)...), Sessions: s.Store.Sessions, SessionManager: s.sessions, Accounts: s.Store.Accounts, Attributes: s.Store.Attributes,
		Activity: s.Store.Activity, DataFiles: newDataFiles(s), Credentials: s.credentialsOf,
		Consents: s.Store.Consents, Clients: s.Clients, Approvals: s.Store.Backchannel, Decisions: s.OAuth2.Decisions, Passwords: consolePasswords{s.login, factorPolicy(c)}, PasswordPolicy: s.passwordPolicy, Hasher: s.Hasher,
		Mail: accountMail(s), Texts: consoleTexts{s}, PasskeyUser: passkeyUser(s), Pages: s.pages, Cookies: s.Cookies, Now: s.Now,
	})
}

// mountAccountConsole mounts the account console, and the address at which password managers look
// for the page that changes the password.
//
// Spec: A Well-Known URL for Changing Passwords.
func mountAccountConsole(s *Server, own chi.Router, page, hashing func(http.HandlerFunc) http.Handler) {
	if !s.Config.HasAccountPages() {
		return
	}
	for _, route := range s.account.Routes() {
		handlers := map[string]http.Handler{http.MethodGet: page(route.Get)}
		if route.Post == nil {
			getAndHead(own, route.Path, handlers[http.MethodGet])
			continue
		}
		handlers[http.MethodPost] = page(route.Post)
		if route.Hashes {
			handlers[http.MethodPost] = hashing(route.Post)
		}
		own.HandleFunc(route.Path, byMethod(handlers))
	}
	if s.Config.LoginURL == "" {
		getAndHead(own, pathPasskeyEndpoints, passkeyEndpoints(s))
		getAndHead(own, "/.well-known/change-password", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			httpapi.SeeOther(w, s.Config.URL(accountconsole.Root+"/password"))
		}))
	}
}

// consolePasswords implements [accountconsole.Passwords].
type consolePasswords struct {
	*login.Service

	policy login.FactorPolicy
}

// NeedsSecondFactor is [login.FactorPolicy.Requires].
func (p consolePasswords) NeedsSecondFactor(a *account.Account) bool { return p.policy.Requires(a) }

// consoleMail implements [accountconsole.Mail].
type consoleMail struct {
	*login.Service
	mail.Outbox
}

// accountMail returns how the account console sends mail, nil if the server sends none.
func accountMail(s *Server) accountconsole.Mail {
	if !s.Config.HasMail() {
		return nil
	}
	return consoleMail{s.login, s.MailOutbox}
}

// consoleTexts implements [accountconsole.Texts].
type consoleTexts struct{ server *Server }

// Client is [login.ClientView].
func (consoleTexts) Client(c *client.Client) pages.Client { return login.ClientView(c) }

// Scopes is [login.DescribeScopes].
func (c consoleTexts) Scopes(ctx context.Context, names []string) ([]pages.Scope, error) {
	return login.DescribeScopes(ctx, c.server.scopes, names)
}

// Details is [login.DescribeDetails].
func (c consoleTexts) Details(ctx context.Context, list detail.List) ([]pages.Detail, error) {
	return login.DescribeDetails(ctx, c.server.scopes, list)
}

// Text is [pages.Text].
func (c consoleTexts) Text(r *http.Request, m messages.Message) string {
	return pages.Text(c.server.pages, r, m)
}

// Label is [pages.Label].
func (c consoleTexts) Label(r *http.Request, client pages.Client) string {
	return pages.Label(c.server.pages, r, client)
}

// newDataFiles returns how users get the data of their accounts, and creates the worker for it.
func newDataFiles(s *Server) *datafile.Service {
	s.DataFiles = datafile.NewWorker(datafile.Worker{
		Store: s.Store.DataFiles, Secrets: s.Secrets, Now: s.Now, Log: s.Log,
		Sources: datafile.Sources{
			Accounts: s.Store.Accounts, Attributes: s.Store.Attributes, Sessions: s.Store.Sessions, Consents: s.Store.Consents, Activity: s.Store.Activity,
			Grants: s.grantsOf, Credentials: s.credentialsOf,
		},
	})
	return &datafile.Service{Store: s.Store.DataFiles, Secrets: s.Secrets, Worker: s.DataFiles}
}

// grantsOf returns up to limit valid grants of a subject.
func (s *Server) grantsOf(ctx context.Context, subject string, limit int, now time.Time) ([]*grant.Grant, error) {
	return s.Store.Grants.ListGrants(ctx, store.GrantFilter{Subject: subject}, grant.Locator{}, limit, now)
}

// credentialsOf returns the credentials of an account without their secrets.
func (s *Server) credentialsOf(ctx context.Context, a *account.Account) ([]credential.Info, error) {
	factors, err := s.SecondFactors.Enrolled(ctx, a.Subject)
	if err != nil {
		return nil, err
	}
	list, err := s.Store.Passkeys.Credentials(ctx, a.Subject)
	list = append(list, factors.Credentials()...)
	if a.Password != nil {
		list = append(list, credential.Info{ID: a.Password.ID, Kind: credential.Password, CreatedAt: a.Password.CreatedAt})
	}
	return list, err
}
