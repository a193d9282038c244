package authorize

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/session"
)

// Where the operator has a login or consent app of their own, people are sent there
// with a challenge, the app answers for it through the administrators' API, and
// sends the person back with a verifier. What follows is this endpoint's part.

// Entrance lets in whom a login app has named.
type Entrance interface {
	// RedeemLogin is a compare-and-set: it returns authrequest.ErrNotFound to all who come
	// late, with another verifier, or from another browser.
	RedeemLogin(ctx context.Context, id string, browser, verifier []byte, now time.Time) (*authrequest.Request, error)
	// InsertAccount returns account.ErrExists for one that is there.
	InsertAccount(ctx context.Context, a *account.Account) error
	RecordSignIn(ctx context.Context, id, sessionID string, at, now time.Time) error
}

// SessionManager begins and extends sessions, as [session.Manager] does.
type SessionManager interface {
	Begin(w http.ResponseWriter, r *http.Request, current *session.Session, a session.Authentication) (*session.Session, error)
	Extend(w http.ResponseWriter, r *http.Request, s *session.Session, rememberFor time.Duration) error
	Touch(r *http.Request, s *session.Session) error
}

// link appends a parameter to an address, which may have a query of its own.
func link(address, name, value string) string {
	return pages.AddQuery(address, name+"="+url.QueryEscape(value))
}

// loginApp sends a request to the login app. It tells the app who may go on without
// signing in: whoever is to be remembered and satisfies all that is asked.
func (h *Handler) loginApp(a *asked, here present, now time.Time) place {
	return func(q *authrequest.Request) string {
		q.LoginSession = session.NewID()
		if s := here.session; s != nil && s.Remembered && h.missingSignIn(a, here, nil, now) == nil {
			q.LoginSession, q.LoginSkip, q.Subject = s.ID, true, s.Subject
		}
		return link(h.LoginApp, "login_challenge", q.Challenge(authrequest.StepLogin))
	}
}

// consentApp sends a request to the consent app, about the person of a session.
func (h *Handler) consentApp(s *session.Session, signedInAt time.Time) place {
	return func(q *authrequest.Request) string {
		q.SessionID, q.SignedInAt = s.ID, signedInAt
		return link(h.ConsentApp, "consent_challenge", q.Challenge(authrequest.StepConsent))
	}
}

// passed reports whether the person in the browser is the one with whom the login
// app has answered the request, and who came back from it.
func (h *Handler) passed(here present, waiting *authrequest.Request) bool {
	return waiting != nil && !waiting.LoginVerifierUsedAt.IsZero() && here.session != nil && waiting.SessionID == here.session.ID
}

// afterLogin goes on with a request whose person comes back from the login app.
func (h *Handler) afterLogin(w http.ResponseWriter, r *http.Request, verifier string) {
	ctx, now := r.Context(), h.Now()
	id, hash, ok := authrequest.ParseVerifier(verifier, authrequest.StepLogin)
	if !ok {
		h.writeAuthorizeError(w, r, nil, errExpired(expiredWords, nil))
		return
	}
	waiting, err := h.Entrance.RedeemLogin(ctx, id, h.Cookies.BoundRequest(r, id), hash, now)
	if errors.Is(err, authrequest.ErrNotFound) {
		if _, _, err = h.waiting(ctx, r, id); err == nil { // of this browser, and spent before
			err = h.gone(r, id)
		}
	}
	if err != nil {
		h.writeAuthorizeError(w, r, nil, err)
		return
	}
	here, err := h.present(r, waiting.ClientID, now)
	if err != nil {
		h.writeAuthorizeError(w, r, nil, err)
		return
	}
	a, err := h.reread(ctx, waiting)
	if err == nil && waiting.Decision != authrequest.Denied {
		err = h.enter(w, r, waiting, &here, now)
	}
	if err != nil {
		h.writeAuthorizeError(w, r, a, err)
		return
	}
	h.decide(w, r, a, here, waiting)
}

// enter lets in whom the login app has named: they get a session, or go on in the
// one they have.
func (h *Handler) enter(w http.ResponseWriter, r *http.Request, waiting *authrequest.Request, here *present, now time.Time) error {
	if waiting.LoginSkip {
		return h.extend(w, r, waiting, here.session)
	}
	if waiting.User.Disabled {
		return oauth2.NewError(oauth2.CodeAccessDenied, "This account may not sign in").Because(refusal.New(refusal.AccountDisabled, "the account is disabled"))
	}
	if !waiting.User.Known {
		err := h.Entrance.InsertAccount(r.Context(), account.NewExternal(waiting.Subject, now))
		if errors.Is(err, account.ErrIsClient) { // the client came after the app's answer
			return oauth2.NewError(oauth2.CodeAccessDenied, "This account may not sign in")
		}
		if err != nil && !errors.Is(err, account.ErrExists) {
			return err
		}
	}
	s, err := h.SessionManager.Begin(w, r, here.session, session.Authentication{
		Account: &account.Account{Subject: waiting.Subject, Username: waiting.User.Username}, Claims: waiting.User.Claims,
		Time: waiting.SignedInAt, ACR: waiting.LoginAnswer.ACR, AMR: waiting.LoginAnswer.AMR,
		ID: waiting.SessionID, IdentityProviderSessionID: waiting.LoginAnswer.IdentityProviderSessionID,
		Remember: waiting.LoginAnswer.Remember, RememberFor: rememberFor(waiting.LoginAnswer),
	})
	if err != nil {
		return err
	}
	if s.ID != waiting.SessionID {
		if err := h.Entrance.RecordSignIn(r.Context(), waiting.ID, s.ID, waiting.SignedInAt, now); err != nil {
			return err
		}
		waiting.SessionID = s.ID
	}
	if here.session == nil || here.session.Subject != s.Subject {
		here.consent = nil
	}
	here.session = s
	return nil
}

// extend gives the session that the person goes on in another end, if the login app
// says so.
func (h *Handler) extend(w http.ResponseWriter, r *http.Request, waiting *authrequest.Request, s *session.Session) error {
	if !waiting.LoginAnswer.Extend || s == nil || s.ID != waiting.SessionID {
		return nil
	}
	return h.SessionManager.Extend(w, r, s, rememberFor(waiting.LoginAnswer))
}

// rememberFor returns how long the login app wants a session to be remembered, 0 for as
// long as the operator allows.
func rememberFor(login *authrequest.LoginAnswer) time.Duration {
	return time.Duration(login.RememberFor) * time.Second
}

// afterConsent goes on with a request whose person comes back from the consent app.
// The verifier needs no spending of its own: what it leads to is written once, see
// [Handler.answer].
func (h *Handler) afterConsent(w http.ResponseWriter, r *http.Request, verifier string) {
	ctx := r.Context()
	id, hash, ok := authrequest.ParseVerifier(verifier, authrequest.StepConsent)
	if !ok {
		h.writeAuthorizeError(w, r, nil, errExpired(expiredWords, nil))
		return
	}
	waiting, here, err := h.waiting(ctx, r, id)
	if err == nil && (waiting.ConsentAnswer == nil || subtle.ConstantTimeCompare(waiting.VerifierHash, hash) != 1) {
		err = h.gone(r, id)
	}
	if err != nil {
		h.writeAuthorizeError(w, r, nil, err)
		return
	}
	h.goOn(w, r, waiting, here)
}

// agreed returns what the consent app has granted, if it is about the person who is
// signed in.
func agreed(waiting *authrequest.Request, s *session.Session) *authrequest.ConsentAnswer {
	if waiting == nil || waiting.Decision != authrequest.Accepted || waiting.DecidedFor != s.Subject {
		return nil
	}
	return waiting.ConsentAnswer
}

// grantOnly leaves what the consent app has granted of what was asked for.
func (a *asked) grantOnly(g *authrequest.ConsentAnswer) error {
	a.narrow(scope.Limits{Scopes: g.Scopes, Resources: g.Resources})
	if a.answers.has(answerIDToken) && !slices.Contains(a.access.Scopes, oauth2.ScopeOpenID) {
		return oauth2.NewError(oauth2.CodeAccessDenied, "The scope openid was not granted")
	}
	return nil
}

// extra returns what the operator's apps add to the tokens of an answer: what they
// said about this request or, where the consent app was not asked, with the consent
// that is remembered.
func extra(waiting *authrequest.Request, here present) grant.ExtraClaims {
	var e grant.ExtraClaims
	switch {
	case waiting != nil && waiting.ConsentAnswer != nil:
		e = waiting.ConsentAnswer.ExtraClaims
	case here.consent != nil:
		e = here.consent.ExtraClaims
	}
	e.ForcedSubject = waiting.SubjectFor(e.ForcedSubject)
	return e
}

// acr returns the class of the sign-in behind a request: the session's, unless the
// login app that let the person go on in it named another one.
func acr(waiting *authrequest.Request, s *session.Session) string {
	if waiting != nil && waiting.LoginSkip && waiting.LoginAnswer != nil && waiting.LoginAnswer.ACR != "" && waiting.SessionID == s.ID {
		return waiting.LoginAnswer.ACR
	}
	return s.ACR
}

// knownAs returns the name under which the client knows who is signed in.
func (h *Handler) knownAs(c *client.Client, here present, waiting *authrequest.Request) string {
	if e := extra(waiting, here); e.ForcedSubject != "" {
		return e.ForcedSubject
	}
	return h.Subjects.Of(c, here.session.Subject)
}

// denial is the error that the client gets for a request that was refused.
func denial(waiting *authrequest.Request) error {
	var said *authrequest.Refusal
	switch {
	case waiting.ConsentAnswer != nil:
		said = waiting.ConsentAnswer.Refusal
	case waiting.LoginAnswer != nil:
		said = waiting.LoginAnswer.Refusal
	}
	if said == nil {
		return oauth2.NewError(oauth2.CodeAccessDenied, "The request was denied")
	}
	return oauth2.NewError(said.Code, said.Description).Because(refusal.New(refusal.AppRefused, "the operator's app refused the request"))
}

// toSignIn sends the person to where they sign in, unless the client asked not to.
func (h *Handler) toSignIn(w http.ResponseWriter, r *http.Request, a *asked, here present, waiting *authrequest.Request, missing error) {
	if h.LoginApp == "" || a.prompts(promptNone) {
		h.step(w, r, a, waiting, missing, h.signInPage(a, waiting))
		return
	}
	if h.passed(here, waiting) {
		// The app has said who it is, and to ask again would be to say it is wrong.
		h.writeAuthorizeError(w, r, a, missing)
		return
	}
	if waiting != nil {
		h.Cookies.UnbindRequest(w, waiting.ID)
	}
	h.later(w, r, a, h.loginApp(a, here, h.Now()))
}

// toConsent sends the person to where they agree, unless the client asked not to.
func (h *Handler) toConsent(w http.ResponseWriter, r *http.Request, a *asked, here present, waiting *authrequest.Request, missing error) {
	if h.ConsentApp == "" || a.prompts(promptNone) {
		h.step(w, r, a, waiting, missing, h.ConsentURL)
		return
	}
	s := here.session
	if waiting != nil && waiting.SessionID == s.ID && waiting.Decision == authrequest.Undecided {
		pages.SeeOther(w, h.consentApp(s, waiting.SignedInAt)(waiting))
		return
	}
	var signedInAt time.Time
	if waiting != nil {
		h.Cookies.UnbindRequest(w, waiting.ID)
		if waiting.SessionID == s.ID {
			signedInAt = waiting.SignedInAt
		}
	}
	h.later(w, r, a, h.consentApp(s, signedInAt))
}
