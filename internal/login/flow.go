package login

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/session"
)

// Provider sends users to the built-in pages. The custom apps of package external replace it
// in the same flow: a provider decides where the user is sent and how the result is
// returned, the authorization endpoint decides everything else.
type Provider struct {
	SignInPage, SignUpPage, ConsentPage, FactorPage, PasswordPage, TermsPage string // URLs
}

// SeesEachRequest returns false: a page is shown only if something is missing.
func (p Provider) SeesEachRequest() bool { return false }

// SignInURL returns where the user signs in for q, or creates an account.
func (p Provider) SignInURL(q *authrequest.Request, create bool, _ *session.Session) string {
	if create {
		return p.SignUpPage + "?request=" + url.QueryEscape(q.ID)
	}
	return p.SignInPage + "?request=" + url.QueryEscape(q.ID)
}

// FactorURL returns where the user proves a second factor for q.
func (p Provider) FactorURL(q *authrequest.Request) string {
	return p.FactorPage + "?request=" + url.QueryEscape(q.ID)
}

// PasswordURL returns where the user changes the password for q.
func (p Provider) PasswordURL(q *authrequest.Request) string {
	return p.PasswordPage + "?request=" + url.QueryEscape(q.ID)
}

// TermsURL returns where the user accepts the terms for q.
func (p Provider) TermsURL(q *authrequest.Request) string {
	return p.TermsPage + "?request=" + url.QueryEscape(q.ID)
}

// ConsentURL returns where the user consents to q.
func (p Provider) ConsentURL(q *authrequest.Request, _ *session.Session, _ time.Time) string {
	return p.ConsentPage + "?request=" + url.QueryEscape(q.ID)
}

// flow is an authorization request that is on one of the pages: the stored request, its
// client, and the session of the browser.
type flow struct {
	request    *authrequest.Request
	parameters url.Values
	client     *client.Client
	session    *session.Session // nil if the user is not signed in
	locale     string           // of the account, once it is read
	// needsFactor reports that a password was stored and the second factor is next.
	needsFactor bool
	// hasFactor reports that the user whose password was right has a second factor.
	hasFactor bool
}

// flows takes authorization requests through the pages, in this order: open, then one of
// signIn, continueAs, decide and cancel, then resume.
type flows struct{ *Config }

// open reads the request with the ID and what else a page needs. It returns a
// [*pageError] if the request is unknown, expired or of another browser.
func (s *flows) open(r *http.Request, id string) (*flow, error) {
	ctx := r.Context()
	if id == "" {
		return nil, noRequest()
	}
	request, err := s.Requests.Request(ctx, id, s.Now())
	if errors.Is(err, authrequest.ErrNotFound) {
		return nil, s.requestNotFound(r, id, "unknown or expired")
	}
	if err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	if bound := s.Cookies.BoundRequest(r, id); !bytes.Equal(request.BrowserHash, bound) {
		err := ofOtherBrowser(s.requestNotFound(r, id, "of another browser"))
		if bound == nil && request.JustBegun(s.Now()) {
			err = s.begunElsewhere(err)
		}
		return nil, err
	}
	f := &flow{request: request}
	if f.parameters, err = url.ParseQuery(request.Parameters); err != nil {
		return nil, fmt.Errorf("parse stored request: %w", err)
	}
	refusal.SetClient(ctx, request.ClientID)
	f.client, err = s.clientOf(ctx, request)
	if errors.Is(err, client.ErrNotFound) || err == nil && f.client.Disabled {
		return nil, unknownClient()
	}
	if err != nil {
		return nil, fmt.Errorf("read client: %w", err)
	}
	f.session, _, err = session.Current(ctx, s.Sessions, s.Cookies.Session(r), f.client.ID, s.Now())
	return f, err
}

// clientOf returns the client of a request.
func (s *flows) clientOf(ctx context.Context, q *authrequest.Request) (*client.Client, error) {
	if q.ClientID == client.AccountConsoleID {
		return client.NewAccountConsole(s.Issuer), nil
	}
	return s.Clients.Client(ctx, q.ClientID)
}

// isTrial reports whether an administrator tries the application.
func (f *flow) isTrial() bool { return f.parameters.Has(authrequest.TrialParameter) }

// isForAccountConsole reports whether the user signs in for the account console, not for an
// application.
func (f *flow) isForAccountConsole() bool { return f.client.ID == client.AccountConsoleID }

// requestNotFound returns the error for an authorization request that has ended or is bound to
// another browser. It names the client only if the request is or was bound to this browser: a link
// with the request of another user must not show that user's application.
func (s *flows) requestNotFound(r *http.Request, id, why string) error {
	ctx := r.Context()
	clientID, err := s.Requests.RequestClient(ctx, id, s.Cookies.BoundRequest(r, id), session.Hash(s.Cookies.Session(r)))
	if errors.Is(err, authrequest.ErrNotFound) {
		return s.expired(why, nil)
	}
	if err != nil {
		return fmt.Errorf("read request: %w", err)
	}
	refusal.SetClient(ctx, clientID)
	c, err := s.Clients.Client(ctx, clientID)
	if err != nil && !errors.Is(err, client.ErrNotFound) {
		return fmt.Errorf("read client: %w", err)
	}
	return s.expired(why, c)
}

// signIn begins the session that an authentication leads to, and records on the request
// that the user signed in for it. Every authentication method of the pages ends here.
func (s *flows) signIn(w http.ResponseWriter, r *http.Request, f *flow, a session.Authentication) error {
	if f.session != nil && f.session.Subject == a.Account.Subject {
		a.Remember = a.Remember || f.session.Remembered // re-authentication does not offer the choice
	}
	begun, err := s.SessionManager.Begin(w, r, f.session, a)
	if err != nil {
		return err
	}
	if a.Passkey == nil { // else it is recorded
		err = s.Requests.RecordSignIn(r.Context(), f.request.ID, begun.ID, a.Time, a.Time)
	}
	if errors.Is(err, authrequest.ErrNotFound) {
		return s.expired("expired during the sign-in", f.client)
	}
	if err != nil {
		return fmt.Errorf("record sign-in: %w", err)
	}
	s.Log.LogAttrs(r.Context(), slog.LevelInfo, "signed in",
		slog.String("subject", begun.Subject), slog.String("client_id", f.client.ID))
	return nil
}

// continueAs records that the user continues in the session with the ID, which must be
// the current one. It proves nothing: whether the user must authenticate is decided by the
// authorization endpoint, also if they have signed out or another user has signed in.
func (s *flows) continueAs(ctx context.Context, f *flow, sessionID string) error {
	if f.session == nil || f.session.ID != sessionID {
		return nil
	}
	err := s.Requests.RecordChoice(ctx, f.request.ID, sessionID, s.Now())
	switch {
	case errors.Is(err, authrequest.ErrNotFound):
		return s.expired("expired during the account selection", f.client)
	case err != nil:
		return fmt.Errorf("record choice: %w", err)
	}
	s.Log.LogAttrs(ctx, slog.LevelInfo, "account chosen",
		slog.String("subject", f.session.Subject), slog.String("client_id", f.client.ID))
	return nil
}

// decide records the user's consent decision, and remember unless it is nil. If remember has not
// all scopes and details of the request, the others are removed from the request. It records
// nothing if the user has decided before.
func (s *flows) decide(ctx context.Context, f *flow, decision authrequest.Decision, remember *consent.Consent) error {
	var err error
	isPartial := remember != nil && (len(remember.Scopes) < len(f.scopes()) || len(remember.Details) < len(f.details()))
	if isPartial {
		f.parameters.Set(authrequest.ConsentParameter, strings.Join(remember.Scopes, " "))
		f.parameters.Set(detail.Parameter, remember.Details.Text())
	}
	if f.isTrial() {
		remember = nil // the application itself has not asked the administrator
	}
	if isPartial {
		err = s.Requests.RecordPartialConsent(ctx, f.request.ID, f.session.Subject, f.parameters.Encode(), remember, s.Now())
	} else {
		err = s.Requests.RecordDecision(ctx, f.request.ID, decision, f.session.Subject, remember, s.Now())
	}
	switch {
	case errors.Is(err, authrequest.ErrAlreadyDecided):
		return nil
	case errors.Is(err, authrequest.ErrNotFound):
		return s.expired("expired during the consent", f.client)
	case err != nil:
		return fmt.Errorf("record decision: %w", err)
	}
	s.Log.LogAttrs(ctx, slog.LevelInfo, "decided", slog.String("decision", string(decision)),
		slog.String("subject", f.session.Subject), slog.String("client_id", f.client.ID))
	return nil
}

// cancel records that the user does not want to sign in. The decision has no subject,
// since the user has not authenticated.
func (s *flows) cancel(ctx context.Context, f *flow) error {
	err := s.Requests.RecordDecision(ctx, f.request.ID, authrequest.Denied, authrequest.NoSubject, nil, s.Now())
	switch {
	case errors.Is(err, authrequest.ErrNotFound):
		return s.expired("expired before it was cancelled", f.client)
	case err != nil && !errors.Is(err, authrequest.ErrAlreadyDecided):
		return fmt.Errorf("record decision: %w", err)
	}
	return nil
}

// resume redirects to the authorization endpoint, which decides the next step.
func (s *flows) resume(w http.ResponseWriter, requestID string) {
	httpapi.SeeOther(w, s.resumeURL(requestID))
}

func (s *flows) resumeURL(requestID string) string {
	return s.Issuer + "/oauth2/auth?continue=" + url.QueryEscape(requestID)
}

// end finishes a page: it redirects to the authorization endpoint, or shows err.
func (s *flows) end(w http.ResponseWriter, r *http.Request, f *flow, err error) {
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if f.needsFactor {
		httpapi.SeeOther(w, s.factorURL(f))
		return
	}
	s.resume(w, f.request.ID)
}

// otherAccountURL is the sign-in form for another user than the signed-in one.
func (s *flows) otherAccountURL(f *flow) string {
	return s.Issuer + "/login?as=another&request=" + url.QueryEscape(f.request.ID)
}

// localize returns r with the languages of the request and of the account.
func (f *flow) localize(r *http.Request) *http.Request {
	preferences := pages.Preferences{UILocales: f.parameters.Get("ui_locales"), Since: f.request.CreatedAt, Account: f.locale}
	if f.session != nil {
		preferences.SignedIn = f.session.AuthTime
	}
	return pages.WithPreferences(r, preferences)
}

// displayName returns the display name of the signed-in user, empty if there is none, and stores
// the locale of the account in f.
func (s *flows) displayName(ctx context.Context, f *flow) (string, error) {
	a, err := s.Accounts.Account(ctx, f.session.Subject)
	if errors.Is(err, account.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read account: %w", err)
	}
	name, _ := a.Claims["name"].(string)
	f.locale, _ = a.Claims["locale"].(string)
	return name, nil
}

// scopes returns the scopes that need consent, as the authorization endpoint stored them.
func (f *flow) scopes() []string {
	return strings.Fields(f.parameters.Get(authrequest.ConsentParameter))
}

// hasPrompt reports whether the request has the value in its prompt parameter.
func (f *flow) hasPrompt(value string) bool {
	return slices.Contains(strings.Fields(f.parameters.Get("prompt")), value)
}

// loginHint returns the login_hint of the request.
func (f *flow) loginHint() string { return pages.Clean(f.parameters.Get("login_hint"), 128) }
