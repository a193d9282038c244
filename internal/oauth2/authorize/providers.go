package authorize

import (
	"errors"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/session"
)

// SignInProvider returns the page where users sign in: of this server, or of a custom login
// app.
type SignInProvider interface {
	// SeesEachRequest reports whether users are sent there with each request without
	// prompt=none, also with a session that satisfies it.
	SeesEachRequest() bool
	// SignInURL returns the page on which the user signs in for q, which is stored afterwards
	// if it is new. create sends the user to create an account first. reusable is a session in which
	// the user may continue without authentication, nil if there is none.
	SignInURL(q *authrequest.Request, create bool, reusable *session.Session) string
	// FactorURL returns the page on which the signed-in user proves a further factor for q. It is
	// not called if SeesEachRequest.
	FactorURL(q *authrequest.Request) string
	// PasswordURL returns the page on which the signed-in user changes the password for q. It is not
	// called if SeesEachRequest.
	PasswordURL(q *authrequest.Request) string
	// TermsURL returns the page on which the signed-in user accepts the terms for q. It is not called
	// if SeesEachRequest.
	TermsURL(q *authrequest.Request) string
}

// ConsentProvider returns the page where users consent: of this server, or of a custom consent
// app.
type ConsentProvider interface {
	// SeesEachRequest reports whether users are sent there with each request without
	// prompt=none, also with a request that needs no consent.
	SeesEachRequest() bool
	// ConsentURL returns the page on which the user of s consents to q. signedInAt is the time
	// of the sign-in for this request, zero if there was no sign-in.
	ConsentURL(q *authrequest.Request, s *session.Session, signedInAt time.Time) string
}

// LoginApp accepts users who return from a custom login app.
type LoginApp interface {
	// Redeem returns the request that the app has answered. It returns
	// [authrequest.ErrNotFound], with the ID of the request if the verifier has one, for a
	// verifier that is invalid, redeemed before or of another browser.
	Redeem(r *http.Request, verifier string) (q *authrequest.Request, id string, err error)
	// SignIn returns the session that the app's answer leads to; current is the one of the
	// browser. It returns [account.ErrDisabled] or [account.ErrIsClient] if there can be none.
	SignIn(w http.ResponseWriter, r *http.Request, q *authrequest.Request, current *session.Session) (*session.Session, error)
}

// ConsentApp accepts users who return from a custom consent app.
type ConsentApp interface {
	// RequestID returns the ID of the request of a verifier; ok is false if the verifier is
	// malformed.
	RequestID(verifier string) (id string, ok bool)
	// IsAnswer reports whether the verifier is of the app's answer to q.
	IsAnswer(q *authrequest.Request, verifier string) bool
}

// afterConsent continues a request after the consent app. The verifier need not be redeemed:
// the grant that it leads to can be inserted only once.
func (h *Handler) afterConsent(w http.ResponseWriter, r *http.Request, verifier string) {
	id, ok := h.ConsentApp.RequestID(verifier)
	if !ok {
		h.refuse(w, r, nil, errExpired(expiredWords, nil))
		return
	}
	stored, browser, err := h.load(r, id)
	if err == nil && !h.ConsentApp.IsAnswer(stored, verifier) {
		err = h.expired(r, id)
	}
	h.continueFlow(w, r, stored, browser, err)
}

// afterLogin continues a request after the login app.
func (h *Handler) afterLogin(w http.ResponseWriter, r *http.Request, verifier string) {
	stored, err := h.redeemLogin(r, verifier)
	if err != nil {
		h.refuse(w, r, nil, err)
		return
	}
	now := h.Now()
	browser, err := h.browser(r, stored.ClientID, now)
	if err != nil {
		h.refuse(w, r, nil, err)
		return
	}
	request, err := h.Requests.readStored(r.Context(), stored)
	if err == nil && stored.Decision != authrequest.Denied {
		browser, err = h.signInByApp(w, r, stored, browser)
	}
	if err != nil {
		h.refuse(w, r, request, err)
		return
	}
	h.dispatch(w, r, &flow{request: request, stored: stored, browserSession: browser, now: now})
}

// redeemLogin returns the request for which the login app returned the verifier.
func (h *Handler) redeemLogin(r *http.Request, verifier string) (*authrequest.Request, error) {
	stored, id, err := h.LoginApp.Redeem(r, verifier)
	if !errors.Is(err, authrequest.ErrNotFound) {
		return stored, err
	}
	if id == "" {
		return nil, errExpired(expiredWords, nil)
	}
	if _, _, err = h.load(r, id); err == nil { // of this browser, and redeemed before
		err = h.expired(r, id)
	}
	return nil, err
}

// signInByApp returns who is signed in after the answer of the login app.
func (h *Handler) signInByApp(w http.ResponseWriter, r *http.Request, stored *authrequest.Request, browser browserSession) (browserSession, error) {
	s, err := h.LoginApp.SignIn(w, r, stored, browser.session)
	switch {
	case errors.Is(err, account.ErrDisabled):
		return browser, oauth2.NewError(oauth2.CodeAccessDenied, "This account may not sign in").Because(refusal.New(refusal.AccountDisabled, "the account is disabled"))
	case errors.Is(err, account.ErrIsClient): // registered after the app's answer
		return browser, oauth2.NewError(oauth2.CodeAccessDenied, "This account may not sign in")
	case err != nil:
		return browser, err
	}
	if s != nil && (browser.session == nil || browser.session.Subject != s.Subject) {
		browser.consent = nil
	}
	browser.session = s
	return browser, nil
}

// signIn sends the user to sign in. A client that sent prompt=none gets missing.
func (h *Handler) signIn(w http.ResponseWriter, r *http.Request, f *flow, missing error) {
	a := f.request
	switch {
	case a.prompts(promptNone):
		h.refuse(w, r, a, missing)
	case !h.SignIn.SeesEachRequest():
		// The pages for signing in and for new accounts link to each other, so that users are
		// sent to create an account only once.
		create := a.prompts(promptCreate) && (f.stored == nil || f.stored.SessionID == "")
		h.send(w, r, a, f.stored, func(q *authrequest.Request) string { return h.SignIn.SignInURL(q, create, nil) })
	case f.isBackFromLoginApp(): // the app would give the same answer again
		h.refuse(w, r, a, missing)
	default:
		if f.stored != nil {
			h.Cookies.UnbindRequest(w, f.stored.ID)
		}
		reusable := (&dispatcher{&h.Config}).reusableSession(f)
		h.send(w, r, a, nil, func(q *authrequest.Request) string {
			return h.SignIn.SignInURL(q, a.prompts(promptCreate), reusable)
		})
	}
}

// ask sends the signed-in user to a page of the sign-in flow. A client that sent prompt=none gets
// missing.
func (h *Handler) ask(w http.ResponseWriter, r *http.Request, f *flow, missing error, page destination) {
	if f.request.prompts(promptNone) {
		h.refuse(w, r, f.request, missing)
		return
	}
	h.send(w, r, f.request, f.stored, page)
}

// askConsent sends the user to consent. A client that sent prompt=none gets missing.
func (h *Handler) askConsent(w http.ResponseWriter, r *http.Request, f *flow, missing error) {
	if f.request.prompts(promptNone) {
		h.refuse(w, r, f.request, missing)
		return
	}
	stored, signedInAt, isStored := f.stored, time.Time{}, f.isStoredFor(f.session)
	if isStored {
		signedInAt = stored.SignedInAt
	}
	if h.Consent.SeesEachRequest() && stored != nil && (!isStored || stored.Decision != authrequest.Undecided) {
		h.Cookies.UnbindRequest(w, stored.ID) // the app has answered it for another session
		stored = nil
	}
	h.send(w, r, f.request, stored, func(q *authrequest.Request) string { return h.Consent.ConsentURL(q, f.session, signedInAt) })
}

// send sends the user to an address, with the stored request or, if that is nil, with one that
// is stored now.
func (h *Handler) send(w http.ResponseWriter, r *http.Request, a *AuthorizationRequest, stored *authrequest.Request, to destination) {
	if stored != nil {
		httpapi.SeeOther(w, to(stored))
		return
	}
	location, err := h.store(w, r, a, to)
	if err != nil {
		h.refuse(w, r, a, err)
		return
	}
	httpapi.SeeOther(w, location)
}
