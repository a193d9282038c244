package authorize

import (
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

// SignInProvider is where users sign in: the built-in pages, or the operator's login app.
type SignInProvider interface {
	// SeesEachRequest reports whether users go there with each request, also with a
	// session that satisfies it, unless the client sent prompt=none.
	SeesEachRequest() bool
	// SignInURL returns where the user signs in for q, which is stored afterwards if it
	// is new. create sends the user to create an account first. reusable is a session in
	// which the user may continue without authentication, nil if there is none.
	SignInURL(q *authrequest.Request, create bool, reusable *session.Session) string
}

// ConsentProvider is where users consent: the built-in page, or the operator's consent app.
type ConsentProvider interface {
	// SeesEachRequest reports whether users go there with each request, also with one that
	// needs no consent, unless the client sent prompt=none.
	SeesEachRequest() bool
	// ConsentURL returns where the user of s consents to q. signedInAt is when the user
	// signed in for the request; zero if they did not.
	ConsentURL(q *authrequest.Request, s *session.Session, signedInAt time.Time) string
}

// LoginApp accepts users who return from the operator's login app.
type LoginApp interface {
	// Redeem returns the request that the app has answered. It returns
	// authrequest.ErrNotFound, with the ID of the request if the verifier has one, for a
	// verifier that is invalid, redeemed before or of another browser.
	Redeem(r *http.Request, verifier string) (q *authrequest.Request, id string, err error)
	// SignIn returns the session that the app's answer leads to; current is the one of the
	// browser. It returns account.ErrDisabled or account.ErrIsClient if there can be none.
	SignIn(w http.ResponseWriter, r *http.Request, q *authrequest.Request, current *session.Session) (*session.Session, error)
}

// ConsentApp accepts users who return from the operator's consent app.
type ConsentApp interface {
	// RequestID returns the ID of the request of a verifier; ok is false if the verifier is
	// malformed.
	RequestID(verifier string) (id string, ok bool)
	// IsAnswer reports whether the verifier is of the app's answer to q.
	IsAnswer(q *authrequest.Request, verifier string) bool
}

// SessionManager moves the idle timeout of sessions, as [session.Manager] does.
type SessionManager interface {
	Touch(r *http.Request, s *session.Session) error
}

// link appends a parameter to an address, which may have a query of its own.
func link(address, name, value string) string {
	return pages.AddQuery(address, name+"="+url.QueryEscape(value))
}

// passed reports whether the person in the browser is the one with whom the login
// app has answered the request, and who came back from it.
func (h *Handler) passed(here present, waiting *authrequest.Request) bool {
	return waiting != nil && !waiting.LoginVerifierUsedAt.IsZero() && here.session != nil && waiting.SessionID == here.session.ID
}

// afterLogin continues the request of a user who returns from the login app.
func (h *Handler) afterLogin(w http.ResponseWriter, r *http.Request, verifier string) {
	ctx := r.Context()
	waiting, id, err := h.LoginApp.Redeem(r, verifier)
	if errors.Is(err, authrequest.ErrNotFound) {
		err = errExpired(expiredWords, nil)
		if id != "" {
			if _, _, err = h.waiting(ctx, r, id); err == nil { // of this browser, and redeemed before
				err = h.gone(r, id)
			}
		}
	}
	if err != nil {
		h.writeAuthorizeError(w, r, nil, err)
		return
	}
	here, err := h.present(r, waiting.ClientID, h.Now())
	if err != nil {
		h.writeAuthorizeError(w, r, nil, err)
		return
	}
	a, err := h.reread(ctx, waiting)
	if err == nil && waiting.Decision != authrequest.Denied {
		err = h.signIn(w, r, waiting, &here)
	}
	if err != nil {
		h.writeAuthorizeError(w, r, a, err)
		return
	}
	h.decide(w, r, a, here, waiting)
}

// signIn sets here to the session that the login app's answer leads to.
func (h *Handler) signIn(w http.ResponseWriter, r *http.Request, waiting *authrequest.Request, here *present) error {
	s, err := h.LoginApp.SignIn(w, r, waiting, here.session)
	switch {
	case errors.Is(err, account.ErrDisabled):
		return oauth2.NewError(oauth2.CodeAccessDenied, "This account may not sign in").Because(refusal.New(refusal.AccountDisabled, "the account is disabled"))
	case errors.Is(err, account.ErrIsClient): // the client was registered after the app's answer
		return oauth2.NewError(oauth2.CodeAccessDenied, "This account may not sign in")
	case err != nil:
		return err
	}
	if s != nil && (here.session == nil || here.session.Subject != s.Subject) {
		here.consent = nil
	}
	here.session = s
	return nil
}

// afterConsent continues the request of a user who returns from the consent app.
func (h *Handler) afterConsent(w http.ResponseWriter, r *http.Request, verifier string) {
	id, ok := h.ConsentApp.RequestID(verifier)
	if !ok {
		h.writeAuthorizeError(w, r, nil, errExpired(expiredWords, nil))
		return
	}
	waiting, here, err := h.waiting(r.Context(), r, id)
	if err == nil && !h.ConsentApp.IsAnswer(waiting, verifier) {
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

// toSignIn sends the user to sign in, or responds with missing to a client that sent
// prompt=none.
func (h *Handler) toSignIn(w http.ResponseWriter, r *http.Request, a *asked, here present, waiting *authrequest.Request, missing error) {
	if a.prompts(promptNone) {
		h.writeAuthorizeError(w, r, a, missing)
		return
	}
	if !h.SignIn.SeesEachRequest() {
		// From the page for new accounts users can go to the sign-in page, so that they are
		// sent to create an account only once.
		create := a.prompts(promptCreate) && (waiting == nil || waiting.SessionID == "")
		h.send(w, r, a, waiting, func(q *authrequest.Request) string { return h.SignIn.SignInURL(q, create, nil) })
		return
	}
	if h.passed(here, waiting) { // the app would give the same answer again
		h.writeAuthorizeError(w, r, a, missing)
		return
	}
	if waiting != nil {
		h.Cookies.UnbindRequest(w, waiting.ID)
	}
	var reusable *session.Session
	if s := here.session; s != nil && s.Remembered && h.missingSignIn(a, here, nil, h.Now()) == nil {
		reusable = s
	}
	h.later(w, r, a, func(q *authrequest.Request) string {
		return h.SignIn.SignInURL(q, a.prompts(promptCreate), reusable)
	})
}

// toConsent sends the user to consent, or responds with missing to a client that sent
// prompt=none.
func (h *Handler) toConsent(w http.ResponseWriter, r *http.Request, a *asked, here present, waiting *authrequest.Request, missing error) {
	if a.prompts(promptNone) {
		h.writeAuthorizeError(w, r, a, missing)
		return
	}
	s, signedInAt := here.session, time.Time{}
	if waiting != nil && waiting.SessionID == s.ID {
		signedInAt = waiting.SignedInAt
	}
	if h.Consent.SeesEachRequest() && waiting != nil && (waiting.SessionID != s.ID || waiting.Decision != authrequest.Undecided) {
		h.Cookies.UnbindRequest(w, waiting.ID) // the app has answered it for another session
		waiting = nil
	}
	h.send(w, r, a, waiting, func(q *authrequest.Request) string { return h.Consent.ConsentURL(q, s, signedInAt) })
}

// send sends the user to where, with the stored request waiting, or with a new one if
// that is nil.
func (h *Handler) send(w http.ResponseWriter, r *http.Request, a *asked, waiting *authrequest.Request, where place) {
	if waiting == nil {
		h.later(w, r, a, where)
		return
	}
	pages.SeeOther(w, where(waiting))
}
