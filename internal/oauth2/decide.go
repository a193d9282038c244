package oauth2

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/web"
)

// decide finds out what is still missing for an answer and takes the next step:
// to the sign-in page, to the consent page, or back to the client. waiting is the
// stored request that a person returns from, nil for a new one.
func (h *Handler) decide(w http.ResponseWriter, r *http.Request, a *asked, waiting *grant.Request) {
	ctx, now := r.Context(), h.Now()
	signedIn, consent, err := h.signedIn(r, a, now)
	if err != nil {
		h.writeAuthorizeError(w, r, a, err)
		return
	}
	if signedIn == nil && h.Cookies.Session(r) != "" {
		h.Cookies.HideState(w, r)
	}
	if denied(waiting, grant.Nobody) || signedIn != nil && denied(waiting, signedIn.Subject) {
		h.Cookies.Unbind(w, waiting.ID)
		h.writeAuthorizeError(w, r, a, refuse(codeAccessDenied, "The request was denied"))
		return
	}
	if missing := h.missingSignIn(a, signedIn, waiting, now); missing != nil {
		h.step(w, r, a, waiting, missing, h.signInPage(a, waiting))
		return
	}
	if !a.demands.meets(signedIn.ACR) {
		h.writeAuthorizeError(w, r, a, refuse(codeUnmetAuthentication, "This way of signing in cannot be offered"))
		return
	}
	if missing := missingConsent(a, signedIn, consent, waiting); missing != nil {
		h.step(w, r, a, waiting, missing, h.ConsentURL)
		return
	}
	missing, err := h.join(ctx, a, signedIn, now)
	switch {
	case err != nil:
		h.writeAuthorizeError(w, r, a, err)
		return
	case missing != nil:
		h.step(w, r, a, waiting, missing, h.LoginURL)
		return
	}
	h.touch(ctx, r, signedIn, now)
	h.answer(w, r, a, signedIn, waiting, now)
}

// denied reports whether subject said no to the request.
func denied(waiting *grant.Request, subject string) bool {
	return waiting != nil && waiting.Decision == grant.Denied && waiting.DecidedFor == subject
}

// signedIn returns the browser's session and what its person has consented to
// before, or nil: one statement.
func (h *Handler) signedIn(r *http.Request, a *asked, now time.Time) (*session.Session, *grant.Consent, error) {
	cookie := h.Cookies.Session(r)
	if cookie == "" {
		return nil, nil, nil
	}
	s, consent, err := h.Sessions.SessionAndConsent(r.Context(), session.Hash(cookie), a.client.ID, now)
	if errors.Is(err, session.ErrNotFound) {
		return nil, nil, nil
	}
	return s, consent, err
}

// step sends the person to a page, unless the client asked not to.
func (h *Handler) step(w http.ResponseWriter, r *http.Request, a *asked, waiting *grant.Request, missing error, page string) {
	if a.prompts(promptNone) {
		h.writeAuthorizeError(w, r, a, missing)
		return
	}
	page += "?request="
	if waiting == nil {
		h.later(w, r, a, page)
		return
	}
	web.SeeOther(w, page+waiting.ID)
}

// missingSignIn returns nil if the session satisfies the request, and otherwise
// what a client that wants no page is told.
func (h *Handler) missingSignIn(a *asked, s *session.Session, waiting *grant.Request, now time.Time) error {
	missing := refuse(codeLoginRequired, "The person must sign in")
	if s == nil {
		return missing
	}
	if want := a.demands.subject; want != "" && want != h.Subjects.Of(a.client, s.Subject) {
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

// signInPage is where a person signs in, or where they first make an account to do
// it with. From there they may still go to the other, so whoever has been through
// one of them is not sent to make an account again.
func (h *Handler) signInPage(a *asked, waiting *grant.Request) string {
	if a.prompts(promptCreate) && (waiting == nil || waiting.SessionID == "") {
		return h.SignUpURL
	}
	return h.LoginURL
}

// missingConsent returns nil if the person has agreed, now or before, to all that
// is asked for (OpenID Connect Core section 3.1.2.4).
func missingConsent(a *asked, s *session.Session, before *grant.Consent, waiting *grant.Request) error {
	if waiting != nil && waiting.Decision == grant.Accepted && waiting.DecidedFor == s.Subject {
		return nil
	}
	missing := refuse(codeConsentRequired, "The person must agree")
	if a.prompts(promptConsent) {
		return missing
	}
	if a.client.SkipConsent || before.Covers(a.consents) && trusted(a) {
		return nil
	}
	return missing
}

// trusted reports whether an earlier consent may stand for this request without
// a question: not where anyone on the device could pretend to be the client
// (RFC 8252 section 8.6). A secret is no proof of who gets what is in the answer
// itself.
func trusted(a *asked) bool {
	proven := !a.client.Public() && (!a.client.Native() || !a.answers.front())
	return proven || strings.HasPrefix(a.redirectURI, "https:")
}

// touch keeps a session alive that is being used. Once in a while is enough, so
// that an ordinary request does not write.
func (h *Handler) touch(ctx context.Context, r *http.Request, s *session.Session, now time.Time) {
	lifetimes := h.Lifetimes.Session
	if s.Remembered {
		lifetimes = h.Lifetimes.Remembered
	}
	if now.Sub(s.SeenAt) < lifetimes.Idle/16 {
		return
	}
	idleUntil := now.Add(lifetimes.Idle)
	if s.EndsAt.Before(idleUntil) {
		idleUntil = s.EndsAt
	}
	if err := h.Sessions.TouchSession(ctx, session.Hash(h.Cookies.Session(r)), now, idleUntil); err != nil {
		// The answer does not depend on it; the next request tries again.
		h.Log.LogAttrs(ctx, slog.LevelWarn, "session not kept alive", slog.Any("error", err))
	}
}
