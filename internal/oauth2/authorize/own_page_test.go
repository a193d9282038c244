package authorize_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/oauth2/authorize"
	"github.com/ostiary/ostiary/internal/secondfactor"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/totp"
)

// ownPage calls Session as a page of the server does, with the cookies of the browser.
func ownPage(b *servertest.Browser, path string, need authorize.Need) (subject string, to *url.URL) {
	tb := b.Server.TB
	tb.Helper()
	u, err := url.Parse(b.Server.URL)
	if err != nil {
		tb.Fatal(err)
	}
	r, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, path, http.NoBody)
	if err != nil {
		tb.Fatal(err)
	}
	for _, c := range b.Client.Jar.Cookies(u) {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	if s, ok := b.Server.App.OAuth2.Authorize.Session(w, r, need); ok {
		subject = s.Subject
	}
	response := w.Result()
	defer response.Body.Close()
	b.Client.Jar.SetCookies(u, response.Cookies())
	if to, err = url.Parse(response.Header.Get("Location")); err != nil {
		tb.Fatal(err)
	}
	return subject, to
}

// submitPassword submits the sign-in form at to.
func submitPassword(b *servertest.Browser, to *url.URL) servertest.Response {
	form := b.Get(to.String())
	return b.Post(form.FormAction(), url.Values{
		"request": {form.HiddenField("request")}, "username": {"ada"}, "password": {servertest.Password},
	})
}

// A page of this server that requires a session sends the user to sign in, and gets the user back,
// under the same conditions as a client, but without a code.
func TestPageOfThisServerRequiresASession(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := servertest.Start(t, db, nil)
		b := s.NewBrowser()
		const path = "/account/sessions?from=menu"
		subject, to := ownPage(b, path, authorize.Need{})
		if subject != "" || to.Path != "/login" {
			t.Fatalf("without a session: subject %q, redirect to %s", subject, to)
		}
		if page := b.Get(to.String()); strings.Contains(page.Body, "ostiary-account") || strings.Contains(page.Body, "to continue to") {
			t.Errorf("the sign-in page names a client:\n%s", page.Body)
		}
		back := b.Get(submitPassword(b, to).Location().String())
		if got := back.Header.Get("Location"); got != s.URL+path {
			t.Errorf("after the sign-in: %d to %q, want the page", back.Status, got)
		}
		if subject, _ = ownPage(b, path, authorize.Need{MaxAge: 5 * time.Minute}); subject == "" {
			t.Error("the session does not suffice after the sign-in")
		}

		s.Advance(5 * time.Minute)
		if subject, _ = ownPage(b, path, authorize.Need{}); subject == "" {
			t.Error("an older session does not suffice for an ordinary page")
		}
		subject, to = ownPage(b, path, authorize.Need{MaxAge: 5 * time.Minute})
		if subject != "" || to.Path != "/login" {
			t.Fatalf("an older session: subject %q, redirect to %s", subject, to)
		}
		b.Follow(submitPassword(b, to))
		if subject, _ = ownPage(b, path, authorize.Need{MaxAge: 5 * time.Minute}); subject == "" {
			t.Error("the session does not suffice after signing in again")
		}
		if subject, to = ownPage(b, path, authorize.Need{ACR: "2"}); subject != "" || to.Path != "/login/second-factor" {
			t.Errorf("a higher level: subject %q, redirect to %s", subject, to)
		}
	})
}

// A page that changes credentials requires the highest level of the account: a session of a
// password does not suffice for a user with an authenticator app.
func TestSensitivePageRequiresTheHighestLevel(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := servertest.Start(t, db, map[string]string{"second_factor": "on_demand"})
		b := s.NewBrowser()
		sensitive := authorize.Need{Sensitive: true}
		_, to := ownPage(b, "/account", sensitive)
		b.Get(submitPassword(b, to).Location().String())
		subject, to := ownPage(b, "/account", sensitive)
		if subject == "" {
			t.Fatalf("a user with a password only is sent to %s", to)
		}
		s.Advance(5 * time.Minute)
		if got, to := ownPage(b, "/account", sensitive); got != "" || to.Path != "/login" {
			t.Errorf("an older session: subject %q, redirect to %s", got, to)
		}

		now, binding := s.Time(), secondfactor.Binding{Session: "test"}
		enrolment, err := s.App.SecondFactors.BeginTOTP(t.Context(), subject, "id", "ada", binding)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.App.SecondFactors.ConfirmTOTP(t.Context(), subject, totp.Code(enrolment.Secret, totp.Step(now)), "", binding, now); err != nil {
			t.Fatal(err)
		}
		_, to = ownPage(b, "/account", authorize.Need{MaxAge: time.Minute})
		b.Get(submitPassword(b, to).Location().String())
		if got, to := ownPage(b, "/account", sensitive); got != "" || to.Path != "/login/second-factor" {
			t.Errorf("a fresh password of a user with an authenticator app: subject %q, redirect to %s", got, to)
		}
	})
}

// A user who cancels arrives at the start page.
func TestCancelledSignInForAPage(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	_, to := ownPage(b, "/account", authorize.Need{})
	form := b.Get(to.String())
	cancelled := b.Post(form.FormAction(), url.Values{"request": {form.HiddenField("request")}, "decision": {"cancel"}})
	got := b.Get(cancelled.Location().String())
	if got.Header.Get("Location") != s.URL+"/" {
		t.Errorf("cancelled: %d to %q", got.Status, got.Header.Get("Location"))
	}
}

// The client of the account console is for this server alone.
func TestAccountConsoleIsNoClientForOthers(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	got := s.NewBrowser().Get("/oauth2/auth?" + servertest.AuthorizationRequest("client_id", client.AccountConsoleID, "redirect_uri", s.URL+"/account").Encode())
	if got.Status != http.StatusBadRequest {
		t.Errorf("an authorization request of the account console: %d", got.Status)
	}
}
