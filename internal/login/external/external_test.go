package external_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/login/external"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

func newLogin(t *testing.T, s *store.Store) *external.Login {
	t.Helper()
	fixture.Seed(t, s)
	now := func() time.Time { return fixture.Noon }
	return &external.Login{
		URL: "https://app.example/login?tenant=1", Requests: s.Requests, Accounts: s.Accounts, Now: now,
		Sessions: &session.Manager{
			Store: s.Sessions, Lifetimes: session.Lifetimes{Idle: time.Hour, Absolute: time.Hour},
			Began: func() {}, Ended: func() {}, Now: now,
		},
	}
}

func TestSignInURLOffersAReusableSession(t *testing.T) {
	t.Parallel()
	l := &external.Login{URL: "https://app.example/login?tenant=1"}
	q := &authrequest.Request{ID: authrequest.NewID()}
	if got, want := l.SignInURL(q, false, nil), "https://app.example/login?tenant=1&login_challenge="+q.ID+"1"; got != want {
		t.Errorf("SignInURL = %s, want %s", got, want)
	}
	if q.LoginSession == "" || q.LoginSkip || q.Subject != "" {
		t.Errorf("request without a session = %+v", q)
	}
	l.SignInURL(q, false, &session.Session{ID: "sid", Subject: "alice"})
	if q.LoginSession != "sid" || !q.LoginSkip || q.Subject != "alice" {
		t.Errorf("request with a session = %+v", q)
	}
}

func TestRedeemRejectsAMalformedVerifier(t *testing.T) {
	t.Parallel()
	l := newLogin(t, storetest.New(t))
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	consent := authrequest.NewVerifier(authrequest.StepConsent.Challenge(authrequest.NewID()))
	for name, verifier := range map[string]string{"empty": "", "short": "abc", "of the consent app": consent} {
		if q, id, err := l.Redeem(r, verifier); q != nil || id != "" || !errors.Is(err, authrequest.ErrNotFound) {
			t.Errorf("%s: Redeem = %v, %q, %v; want ErrNotFound", name, q, id, err)
		}
	}
	id := authrequest.NewID()
	if _, got, err := l.Redeem(r, authrequest.NewVerifier(authrequest.StepLogin.Challenge(id))); got != id || !errors.Is(err, authrequest.ErrNotFound) {
		t.Errorf("Redeem of an unknown verifier = %q, %v; want its request ID and ErrNotFound", got, err)
	}
}

func TestSignInBeginsTheSessionOfTheAnswer(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		l := newLogin(t, s)
		signIn := func(q *authrequest.Request, current *session.Session) (*session.Session, error) {
			return l.SignIn(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", http.NoBody), q, current)
		}
		answer := &authrequest.LoginAnswer{ACR: "gold", AMR: []string{"hwk"}, Remember: true, RememberFor: 7200, IdentityProviderSessionID: "upstream"}
		q := &authrequest.Request{ID: "id", Subject: "carol", SessionID: "new-sid", SignedInAt: fixture.Noon, LoginAnswer: answer}
		got, err := signIn(q, nil)
		if err != nil || got.ID != "new-sid" || got.Subject != "carol" || got.ACR != "gold" || got.IdentityProviderSessionID != "upstream" ||
			!got.EndsAt.Equal(fixture.Noon.Add(2*time.Hour)) {
			t.Errorf("SignIn = %+v, %v", got, err)
		}
		if a, err := s.Accounts.Account(t.Context(), "carol"); err != nil || !a.IsExternal() || a.Password != nil {
			t.Errorf("account of the subject = %+v, %v", a, err)
		}

		disabled := &authrequest.Request{ID: "id", Subject: "dave", LoginAnswer: answer, User: authrequest.User{Known: true, Disabled: true}}
		if got, err := signIn(disabled, nil); got != nil || !errors.Is(err, account.ErrDisabled) {
			t.Errorf("SignIn of a disabled account = %v, %v; want ErrDisabled", got, err)
		}
		if err := s.Clients.InsertClient(t.Context(), fixture.Client("a-client")); err != nil {
			t.Fatal(err)
		}
		if got, err := signIn(&authrequest.Request{ID: "id", Subject: "a-client", LoginAnswer: answer}, nil); got != nil || !errors.Is(err, account.ErrIsClient) {
			t.Errorf("SignIn of a client ID = %v, %v; want ErrIsClient", got, err)
		}
		skipped := &authrequest.Request{ID: "id", LoginSkip: true, SessionID: got.ID, LoginAnswer: &authrequest.LoginAnswer{}}
		if current, err := signIn(skipped, got); current != got || err != nil {
			t.Errorf("SignIn in the existing session = %v, %v; want that session", current, err)
		}
	})
}

func TestConsentAnswerNeedsItsVerifier(t *testing.T) {
	t.Parallel()
	c := &external.Consent{URL: "https://app.example/consent"}
	q := &authrequest.Request{ID: authrequest.NewID()}
	if got := c.ConsentURL(q, &session.Session{ID: "sid"}, fixture.Noon); !strings.HasSuffix(got, "?consent_challenge="+q.ID+"2") ||
		q.SessionID != "sid" || !q.SignedInAt.Equal(fixture.Noon) {
		t.Errorf("ConsentURL = %s with %+v", got, q)
	}
	verifier := authrequest.NewVerifier(q.Challenge(authrequest.StepConsent))
	if id, ok := c.RequestID(verifier); id != q.ID || !ok {
		t.Errorf("RequestID = %s, %v, want %s", id, ok, q.ID)
	}
	q.VerifierHash = authrequest.HashVerifier(verifier)
	if c.IsAnswer(q, verifier) {
		t.Error("IsAnswer is true before the app has answered")
	}
	q.ConsentAnswer = &authrequest.ConsentAnswer{}
	if !c.IsAnswer(q, verifier) || c.IsAnswer(q, authrequest.NewVerifier(q.Challenge(authrequest.StepConsent))) {
		t.Error("IsAnswer is not true for the verifier of the answer alone")
	}
}
