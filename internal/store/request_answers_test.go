package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// sentAway returns a request that was redirected to a login app.
func sentAway(tb testing.TB, s *store.Store, id string, change func(*authrequest.Request)) *authrequest.Request {
	tb.Helper()
	r := fixture.Request(id)
	r.LoginSession = "session of " + id
	r.Parameters = "scope=openid+email&" + authrequest.ConsentParameter + "=openid+email+phone"
	if change != nil {
		change(r)
	}
	must(tb, s.Requests.InsertRequest(tb.Context(), r))
	return r
}

var (
	someVerifier = authrequest.HashVerifier("some verifier")
	someBrowser  = session.Hash("browser")
)

func TestLoginIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		fixture.Seed(t, s)
		must(t, s.Accounts.SetDisabled(ctx, "bob", true, noon))
		login := &authrequest.LoginAnswer{Remember: true, RememberFor: 60, ACR: "gold", AMR: []string{"pwd"}, Context: []byte(`{"a":1}`), ForcedSubject: "x", IdentityProviderSessionID: "y"}
		no := &authrequest.LoginAnswer{Refusal: &authrequest.Refusal{Code: "access_denied", Description: "No."}}

		r := sentAway(t, s, "new", nil)
		wantErr(t, "naming who may not sign in", s.Requests.AnswerLogin(ctx, "new", "bob", login, someVerifier, noon), account.ErrDisabled)
		must(t, s.Requests.AnswerLogin(ctx, "new", "alice", login, someVerifier, noon))
		wantErr(t, "another answer", s.Requests.AnswerLogin(ctx, "new", "alice", login, someVerifier, noon), authrequest.ErrAlreadyDecided)
		wantErr(t, "refusing afterwards", s.Requests.AnswerLogin(ctx, "new", "", no, someVerifier, noon), authrequest.ErrAlreadyDecided)
		got, err := s.Requests.Request(ctx, "new", noon)
		must(t, err)
		r.Subject, r.LoginAnswer, r.VerifierHash, r.SessionID, r.SignedInAt = "alice", login, someVerifier, r.LoginSession, noon
		wantSame(t, "an answered request", got, r)

		sentAway(t, s, "skip", func(r *authrequest.Request) { r.LoginSkip, r.Subject = true, "alice" })
		wantErr(t, "skipping with another subject", s.Requests.AnswerLogin(ctx, "skip", "carol", login, someVerifier, noon), authrequest.ErrOtherSubject)
		must(t, s.Requests.AnswerLogin(ctx, "skip", "alice", login, someVerifier, noon))
		got, err = s.Requests.Request(ctx, "skip", noon)
		must(t, err)
		if !got.SignedInAt.IsZero() || got.SessionID != "session of skip" {
			t.Errorf("who goes on has signed in: %+v", got)
		}

		sentAway(t, s, "refused", nil)
		must(t, s.Requests.AnswerLogin(ctx, "refused", "", no, someVerifier, noon))
		wantErr(t, "accepting afterwards", s.Requests.AnswerLogin(ctx, "refused", "alice", login, someVerifier, noon), authrequest.ErrAlreadyDecided)
		got, err = s.Requests.Request(ctx, "refused", noon)
		must(t, err)
		if got.Decision != authrequest.Denied || got.DecidedFor != authrequest.NoSubject || got.LoginAnswer.Refusal.Code != "access_denied" || got.SessionID != "" {
			t.Errorf("a refused request is %+v", got)
		}

		must(t, s.Requests.InsertRequest(ctx, fixture.Request("of the pages")))
		for id, now := range map[string]time.Time{"of the pages": noon, "unknown": noon, "new": noon.Add(time.Hour)} {
			wantErr(t, "answering "+id, s.Requests.AnswerLogin(ctx, id, "alice", login, someVerifier, now), authrequest.ErrNotFound)
		}
	})
}

func TestLoginIsRedeemedOnce(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		a, b := storetest.Open(t, url), storetest.Open(t, url)
		fixture.Seed(t, a)
		sentAway(t, a, "id", nil)
		fixture.WantOneWinner(t, fixture.Race(t, a, b, func(ctx context.Context, s *store.Store) error {
			return s.Requests.AnswerLogin(ctx, "id", "alice", &authrequest.LoginAnswer{}, someVerifier, noon)
		}), authrequest.ErrAlreadyDecided)
		for name, try := range map[string]func() error{
			"another browser": func() error {
				_, err := a.Requests.RedeemLogin(t.Context(), "id", session.Hash("x"), someVerifier, noon)
				return err
			},
			"no browser": func() error { _, err := a.Requests.RedeemLogin(t.Context(), "id", nil, someVerifier, noon); return err },
			"another verifier": func() error {
				_, err := a.Requests.RedeemLogin(t.Context(), "id", someBrowser, session.Hash("x"), noon)
				return err
			},
			"too late": func() error {
				_, err := a.Requests.RedeemLogin(t.Context(), "id", someBrowser, someVerifier, noon.Add(time.Hour))
				return err
			},
		} {
			wantErr(t, name, try(), authrequest.ErrNotFound)
		}
		fixture.WantOneWinner(t, fixture.Race(t, a, b, func(ctx context.Context, s *store.Store) error {
			r, err := s.Requests.RedeemLogin(ctx, "id", someBrowser, someVerifier, noon)
			if err == nil && (!r.User.Known || r.User.Disabled || r.User.Username != "name-of-alice" || r.LoginVerifierUsedAt.IsZero()) {
				t.Errorf("who is back is %+v", r)
			}
			return err
		}), authrequest.ErrNotFound)
	})
}

func TestRedeemedLoginHasTheAccountIfThereIsOne(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		fixture.Seed(t, s)
		must(t, s.Accounts.InsertAccount(ctx, account.NewExternal("external", noon)))
		for subject, want := range map[string]authrequest.User{
			"unknown": {}, "external": {Known: true, Claims: []byte("null")},
			"bob": {Known: true, Disabled: true, Username: "name-of-bob", Claims: []byte(`{"email":"bob@example.org","email_verified":true}`)},
		} {
			sentAway(t, s, subject, nil)
			must(t, s.Requests.AnswerLogin(ctx, subject, subject, &authrequest.LoginAnswer{}, someVerifier, noon))
			if subject == "bob" { // revokes earlier sessions and grants
				must(t, s.Accounts.SetPassword(ctx, "bob", "", noon.Add(time.Second)))
			}
			got, err := s.Requests.RedeemLogin(ctx, subject, someBrowser, someVerifier, noon.Add(2*time.Second))
			must(t, err)
			wantSame(t, "the account "+subject, got.User, want)
		}
	})
}

func TestResumedRequestHasTheSession(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		fixture.Seed(t, s)
		r := sentAway(t, s, "id", func(r *authrequest.Request) { r.SessionID = "sid" })
		look := func(what string, cookie []byte, signedIn bool) *consent.Consent {
			t.Helper()
			got, n, consent, err := s.Requests.Resume(ctx, "id", cookie, noon)
			must(t, err)
			wantSame(t, what+": the request", got, r)
			if (n != nil) != signedIn {
				t.Errorf("%s: the session is %+v", what, n)
			}
			if n != nil && (n.ID != "sid" || n.Username != "name-of-alice" || len(n.Claims) == 0) {
				t.Errorf("%s: the session is %+v", what, n)
			}
			request, m, _, err := s.Requests.ConsentRequest(ctx, "id", noon)
			must(t, err)
			wantSame(t, what+": what the app sees", request, r)
			if cookie != nil && (m != nil) != signedIn {
				t.Errorf("%s: the app sees the session %+v", what, m)
			}
			return consent
		}
		look("unknown", nil, false)
		must(t, s.Sessions.InsertSession(ctx, fixture.Session("sid", "alice"), nil))
		look("another browser", nil, false)
		if consent := look("alice", fixture.CookieHash("sid"), true); consent != nil {
			t.Errorf("she has consented to %v", consent)
		}
		for _, c := range []*consent.Consent{
			{Scopes: []string{"openid"}, ExtraClaims: grant.ExtraClaims{ForcedSubject: "older"}, GivenAt: noon.Add(-time.Minute)},
			{SessionID: "sid", Scopes: []string{"email"}, ExtraClaims: grant.ExtraClaims{ForcedSubject: "newer"}, GivenAt: noon},
			{SessionID: "another", Scopes: []string{"phone"}, GivenAt: noon},
		} {
			c.Subject, c.ClientID = "alice", "rp"
			must(t, s.Consents.SaveConsent(ctx, c))
		}
		if consent := look("alice", fixture.CookieHash("sid"), true); !consent.Covers([]string{"openid", "email"}) || consent.Covers([]string{"phone"}) || consent.ExtraClaims.ForcedSubject != "newer" {
			t.Errorf("her consent is %+v", consent)
		}
		must(t, s.Accounts.SetDisabled(ctx, "alice", true, noon))
		look("alice, disabled", fixture.CookieHash("sid"), false)
		_, _, _, err := s.Requests.Resume(ctx, "another", fixture.CookieHash("sid"), noon)
		wantErr(t, "an unknown request", err, authrequest.ErrNotFound)
		_, _, _, err = s.Requests.ConsentRequest(ctx, "id", noon.Add(time.Hour))
		wantErr(t, "one that has run out", err, authrequest.ErrNotFound)
	})
}

func TestConsentIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s, other := storetest.Open(t, url), storetest.Open(t, url)
		ctx := t.Context()
		fixture.Seed(t, s)
		must(t, s.Sessions.InsertSession(ctx, fixture.Session("sid", "alice"), nil))
		yes := &authrequest.ConsentAnswer{
			Scopes: []string{"openid", "phone", "never asked for"}, Resources: []string{"https://api.example"}, Remember: true,
			ExtraClaims: grant.ExtraClaims{IDToken: []byte(`{"a":1}`), AccessToken: []byte(`{"b":2}`)},
		}
		remembered := func() *consent.Consent {
			t.Helper()
			_, consent, err := s.Sessions.SessionAndConsent(ctx, fixture.CookieHash("sid"), "rp", noon)
			must(t, err)
			return consent
		}
		answer := func(id string, a *authrequest.ConsentAnswer) error {
			return s.Requests.AnswerConsent(ctx, id, a, someVerifier, time.Hour, noon)
		}

		sentAway(t, s, "early", nil)
		wantErr(t, "before the sign-in", answer("early", yes), authrequest.ErrNotFound)
		wantErr(t, "an unknown one", answer("unknown", yes), authrequest.ErrNotFound)
		sentAway(t, s, "ended", func(r *authrequest.Request) { r.SessionID = "gone" })
		wantErr(t, "after the session", answer("ended", yes), authrequest.ErrAlreadyDecided)
		if got := remembered(); got != nil {
			t.Fatalf("what failed is remembered: %+v", got)
		}

		sentAway(t, s, "id", func(r *authrequest.Request) {
			r.SessionID, r.LoginAnswer = "sid", &authrequest.LoginAnswer{ForcedSubject: "x"}
		})
		fixture.WantOneWinner(t, fixture.Race(t, s, other, func(ctx context.Context, s *store.Store) error {
			return s.Requests.AnswerConsent(ctx, "id", yes, someVerifier, time.Hour, noon)
		}), authrequest.ErrAlreadyDecided)
		got, err := s.Requests.Request(ctx, "id", noon)
		must(t, err)
		if got.Decision != authrequest.Accepted || got.DecidedFor != "alice" || string(got.VerifierHash) != string(someVerifier) {
			t.Errorf("the request is %+v", got)
		}
		wantSame(t, "the agreement", got.ConsentAnswer, yes)
		first := remembered()
		wantSame(t, "what is remembered", first, &consent.Consent{
			Subject: "alice", ClientID: "rp", Scopes: []string{"openid", "phone"}, GivenAt: noon, ExpiresAt: noon.Add(time.Hour),
			ExtraClaims: grant.ExtraClaims{IDToken: []byte(`{"a":1}`), AccessToken: []byte(`{"b":2}`), ForcedSubject: "x"},
		})

		// A repeated consent to the same scopes changes no record; one to more scopes
		// does.
		sentAway(t, s, "again", func(r *authrequest.Request) { r.SessionID = "sid" })
		must(t, s.Requests.AnswerConsent(ctx, "again", &authrequest.ConsentAnswer{Scopes: []string{"openid"}, Remember: true}, someVerifier, 2*time.Hour, noon.Add(time.Minute)))
		wantSame(t, "what is remembered after skipping", remembered(), first)
		sentAway(t, s, "more", func(r *authrequest.Request) { r.SessionID = "sid" })
		must(t, answer("more", &authrequest.ConsentAnswer{Scopes: []string{"email"}, Remember: true}))
		if got := remembered(); !got.Covers([]string{"openid", "email", "phone"}) {
			t.Errorf("after agreeing to more, %v is remembered", got.Scopes)
		}

		sentAway(t, s, "refused", func(r *authrequest.Request) { r.SessionID = "sid" })
		must(t, answer("refused", &authrequest.ConsentAnswer{Remember: true, Refusal: &authrequest.Refusal{Code: "access_denied"}}))
		got, err = s.Requests.Request(ctx, "refused", noon)
		must(t, err)
		if got.Decision != authrequest.Denied || got.DecidedFor != "alice" || got.ConsentAnswer.Refusal.Code != "access_denied" {
			t.Errorf("a refused request is %+v", got)
		}
	})
}

func TestTouchDoesNotShortenASession(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		fixture.Seed(t, s)
		n := fixture.Session("sid", "alice")
		n.IdentityProviderSessionID = "theirs"
		n.IdleUntil = n.EndsAt
		must(t, s.Sessions.InsertSession(ctx, n, nil))
		must(t, s.Sessions.TouchSession(ctx, n.Cookie, session.Origin{}, noon.Add(time.Minute), noon.Add(2*time.Minute)))
		read := func() *session.Session {
			t.Helper()
			got, _, err := s.Sessions.SessionAndConsent(ctx, n.Cookie, "rp", noon)
			must(t, err)
			return got
		}
		if got := read(); !got.IdleUntil.Equal(n.EndsAt) || got.IdentityProviderSessionID != "theirs" {
			t.Errorf("a session in use is cut short, or has lost something: %+v", got)
		}
		n.Remembered, n.IdleUntil, n.EndsAt = true, noon.Add(24*time.Hour), noon.Add(48*time.Hour)
		must(t, s.Sessions.ExtendSession(ctx, n, noon.Add(time.Minute)))
		if got := read(); !got.EndsAt.Equal(n.EndsAt) || !got.IdleUntil.Equal(n.IdleUntil) || !got.AuthTime.Equal(noon) {
			t.Errorf("an extended session is %+v", got)
		}
	})
}
