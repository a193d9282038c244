package authorize

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/session"
)

// present is who is signed in in the browser, nobody if session is nil, and what
// they allowed the client before.
type present struct {
	session *session.Session
	consent *consent.Consent
}

// decide finds out what is still missing for an answer and takes the next step: to
// where the person signs in or agrees, or back to the client. waiting is the stored
// request that a person returns from, nil for a new one.
func (h *Handler) decide(w http.ResponseWriter, r *http.Request, a *asked, here present, waiting *authrequest.Request) {
	ctx, now := r.Context(), h.Now()
	s := here.session
	if s == nil && h.Cookies.Session(r) != "" {
		h.Cookies.HideState(w, r)
	}
	if denied(waiting, authrequest.NoSubject) || s != nil && denied(waiting, s.Subject) {
		h.Cookies.UnbindRequest(w, waiting.ID)
		h.writeAuthorizeError(w, r, a, denial(waiting))
		return
	}
	if missing := h.missingEntrance(a, here, waiting, now); missing != nil {
		h.toSignIn(w, r, a, here, waiting, missing)
		return
	}
	if !a.demands.meets(acr(waiting, s)) {
		h.writeAuthorizeError(w, r, a, oauth2.NewError(oauth2.CodeUnmetAuthentication, "This way of signing in cannot be offered"))
		return
	}
	if missing := h.missingConsent(a, here, waiting); missing != nil {
		h.toConsent(w, r, a, here, waiting, missing)
		return
	}
	missing, err := h.join(ctx, a, here, waiting, now)
	switch {
	case err != nil:
		h.writeAuthorizeError(w, r, a, err)
		return
	case missing != nil:
		h.toSignIn(w, r, a, present{}, waiting, missing)
		return
	}
	if g := agreed(waiting, s); g != nil {
		if err := a.grantOnly(g); err != nil {
			h.writeAuthorizeError(w, r, a, err)
			return
		}
	}
	h.touch(ctx, r, s)
	h.answer(w, r, a, here, waiting, now)
}

// denied reports whether subject said no to the request.
func denied(waiting *authrequest.Request, subject string) bool {
	return waiting != nil && waiting.Decision == authrequest.Denied && waiting.DecidedFor == subject
}

// present returns who is signed in in the browser: one statement.
func (h *Handler) present(r *http.Request, clientID string, now time.Time) (present, error) {
	cookie := h.Cookies.Session(r)
	if cookie == "" {
		return present{}, nil
	}
	s, consent, err := h.Sessions.SessionAndConsent(r.Context(), session.Hash(cookie), clientID, now)
	if errors.Is(err, session.ErrNotFound) {
		return present{}, nil
	}
	return present{s, consent}, err
}

// missingEntrance is missingSignIn where there may be a login app. That is asked
// about every request, but for those whose client wants no page: it knows by then
// who it is, or says that they may go on.
func (h *Handler) missingEntrance(a *asked, here present, waiting *authrequest.Request, now time.Time) error {
	missing := oauth2.NewError(oauth2.CodeLoginRequired, "The person must sign in")
	switch {
	case !h.SignIn.SeesEachRequest():
		return h.missingSignIn(a, here, waiting, now)
	case h.passed(here, waiting):
		if want := a.demands.subject; want != "" && want != h.knownAs(a.client, here, waiting) {
			return missing
		}
		return nil
	case a.prompts(promptNone) && here.session != nil && here.session.Remembered:
		return h.missingSignIn(a, here, waiting, now)
	default:
		return missing
	}
}

// missingSignIn returns nil if the session satisfies the request, and otherwise
// what a client that wants no page is told.
func (h *Handler) missingSignIn(a *asked, here present, waiting *authrequest.Request, now time.Time) error {
	missing := oauth2.NewError(oauth2.CodeLoginRequired, "The person must sign in")
	s := here.session
	if s == nil {
		return missing
	}
	if want := a.demands.subject; want != "" && want != h.knownAs(a.client, here, waiting) {
		return missing
	}
	passed := waiting != nil && waiting.SessionID == s.ID
	if passed && !waiting.SignedInAt.IsZero() {
		// They signed in for this very request; asking again would never end.
		return nil
	}
	if a.prompts(promptLogin) || !passed && (a.prompts(promptSelect) || a.prompts(promptCreate)) {
		return missing
	}
	if a.maxAge != nil && int64(now.Sub(s.AuthTime)/time.Second) >= *a.maxAge {
		return missing
	}
	return nil
}

// missingConsent returns nil if the person has agreed, now or before, to all that
// is asked for (OpenID Connect Core section 3.1.2.4). A consent app is asked about
// every request, but for those whose client wants no page: it has a say in the tokens.
func (h *Handler) missingConsent(a *asked, here present, waiting *authrequest.Request) error {
	if waiting != nil && waiting.Decision == authrequest.Accepted && waiting.DecidedFor == here.session.Subject {
		return nil
	}
	missing := oauth2.NewError(oauth2.CodeConsentRequired, "The person must agree")
	if a.prompts(promptConsent) || h.Consent.SeesEachRequest() && !a.prompts(promptNone) {
		return missing
	}
	if a.client.SkipConsent || here.consent.Covers(a.access.ScopesToConsent()) && a.client.MayReuseConsent(a.redirectURI, a.answers.front()) {
		return nil
	}
	return missing
}

// touch keeps a session alive that is being used.
func (h *Handler) touch(ctx context.Context, r *http.Request, s *session.Session) {
	if err := h.SessionManager.Touch(r, s); err != nil {
		// The answer does not depend on it; the next request tries again.
		h.Log.LogAttrs(ctx, slog.LevelWarn, "session not kept alive", slog.Any("error", err))
	}
}
