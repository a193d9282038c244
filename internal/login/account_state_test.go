package login_test

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// setState sets the state of an account.
func setState(s *servertest.Server, username string, state account.State) {
	s.TB.Helper()
	a, err := s.Store.Accounts.AccountByUsername(s.TB.Context(), username)
	if err == nil {
		_, err = s.Store.Accounts.ChangeAccount(s.TB.Context(), a.Subject, s.Time(), func(a *account.Account) error {
			a.State = state
			return nil
		})
	}
	if err != nil {
		s.TB.Fatal(err)
	}
}

func wantState(s *servertest.Server, username string, want account.State) {
	s.TB.Helper()
	a, err := s.Store.Accounts.AccountByUsername(s.TB.Context(), username)
	if err != nil || a.State != want {
		s.TB.Errorf("the state of %s is %q, %v; want %q", username, a.State, err, want)
	}
}

// wantPage checks that p redirects to a page.
func wantPage(tb testing.TB, what string, p servertest.Response, path string) {
	tb.Helper()
	if p.Status != http.StatusSeeOther || p.Location().Path != path {
		tb.Errorf("%s: %d to %s, want %s", what, p.Status, p.Location(), path)
	}
}

// wantStateInForce checks that each way to sign in leads to the page of a state: in the session of
// u, with a password, with a passkey, and for the account console. It returns a response that leads
// to the page in a session that has just begun.
func wantStateInForce(s *servertest.Server, session *ada, with *servertest.Authenticator, path string) (*ada, servertest.Response) {
	tb := s.TB
	tb.Helper()
	wantPage(tb, "in a session", session.begin(), path)
	if got := session.errorOf(session.begin("prompt", "none")); got != "interaction_required" {
		tb.Errorf("prompt=none: error %q, want interaction_required", got)
	}
	wantPage(tb, "the account console", session.Get("/account"), path)
	passkey := &ada{Browser: s.NewBrowser()}
	signedIn := passkey.SignInWithPasskey(passkey.BeginSignIn(), with).JSON(tb)
	next, _ := signedIn["location"].(string)
	wantPage(tb, "with a passkey", passkey.Get(next), path)

	password := &ada{Browser: s.NewBrowser()}
	p := password.submitPassword(password.begin())
	p = password.Get(p.Location().String())
	wantPage(tb, "with a password", p, path)
	return password, p
}

func startStates(t *testing.T, db *store.Store) *servertest.Server {
	t.Helper()
	return servertest.StartOnLocalhost(t, db, map[string]string{"rate_limits": "off", "second_factor": "on_demand"}, slog.DiscardHandler)
}

// A user who must change the password does so after signing in in any way, before an application
// gets a response.
func TestMustChangePassword(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startStates(t, db)
		with := servertest.AddPasskey(s, "ada")
		old := &ada{Browser: s.NewBrowser()}
		old.idToken(old.submitPassword(old.begin()))
		setState(s, "ada", account.MustChangePassword)
		u, p := wantStateInForce(s, old, with, "/login/password")

		form := u.Get(p.Location().String())
		servertest.Contains(t, form.Body, `id="new-password"`, `id="end-others"`, `id="save"`, `id="cancel"`, "ada")
		for what, password := range map[string]string{"a short one": "short", "the current one": servertest.Password} {
			if got := submitForm(u.Browser, form, "new_password", password); got.Status != http.StatusBadRequest || element(got, "fault") == "" {
				t.Errorf("%s: %d, want 400 and the reason", what, got.Status)
			}
		}
		wantState(s, "ada", account.MustChangePassword)
		before, tab := u.Cookie("ostiary_session"), u.Get(u.begin().Location().String())
		wantLevel(t, u.idToken(submitForm(u.Browser, form, "new_password", newPassword, "end_others", "on")), "1", "pwd")
		if after := u.Cookie("ostiary_session"); after == before || after == "" {
			t.Error("the session has the same cookie as before")
		}
		wantState(s, "ada", account.Active)
		if got := old.errorOf(old.begin("prompt", "none")); got != "login_required" {
			t.Errorf("the other session: error %q, want login_required", got)
		}
		wantPage(t, "the form in another tab", submitForm(u.Browser, tab, "new_password", "a third horse battery"), "/oauth2/auth")
		if got := signInStatus(s, newPassword); got != http.StatusSeeOther {
			t.Errorf("sign-in with the new password: status %d", got)
		}
	})
}

// An older session does not suffice to set a password, and a user who cancels ends in an error.
func TestMustChangePasswordNeedsAFreshSignIn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startStates(t, db)
		u := &ada{Browser: s.NewBrowser()}
		u.idToken(u.submitPassword(u.begin()))
		setState(s, "ada", account.MustChangePassword)
		p := u.begin()
		if got := u.errorOf(u.submit(p, "decision", "cancel")); got != "access_denied" {
			t.Errorf("cancelled: error %q", got)
		}
		s.Advance(5 * time.Minute)
		p = u.begin()
		for what, got := range map[string]servertest.Response{
			"the page": u.Get(p.Location().String()),
			"the form": u.Post("/login/password", url.Values{"request": {p.Location().Query().Get("request")}, "new_password": {newPassword}}),
		} {
			wantPage(t, what+" in an older session", got, "/login")
		}
		wantState(s, "ada", account.MustChangePassword)
		again := u.Get(p.Location().String())
		next := u.Get(u.submitPassword(again).Location().String())
		wantPage(t, "after signing in again", next, "/login/password")
		u.idToken(u.submit(next, "new_password", newPassword))
		wantState(s, "ada", account.Active)
	})
}

// The user of a device has to change the password, too. The new password of a recovery ends the state.
func TestMustChangePasswordOfADeviceAndARecovery(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.StartWithDeviceClients(t, db, nil)
		u := &ada{Browser: s.NewBrowser()}
		u.idToken(u.submitPassword(u.begin()))
		setState(s, "ada", account.MustChangePassword)
		d := servertest.AuthorizeDevice(s, servertest.DeviceClientForm("scope", "openid"))
		p := u.EnterUserCode(d, "continue")
		for p.Status == http.StatusSeeOther && p.Location().Path != "/login/password" {
			p = u.Get(p.Location().String())
		}
		wantPage(t, "a device", p, "/login/password")
		if got := d.Poll().JSON(t)["error"]; got != "authorization_pending" {
			t.Errorf("the device gets %v, want authorization_pending", got)
		}
		b := &ada{Browser: s.NewBrowser()}
		request := b.begin().Location().Query().Get("request")
		wantLevel(t, b.idToken(recoverIn(b.Browser, request)), "1", "otp")
		wantState(s, "ada", account.Active)
	})
}

// A user who must enrol adds an authenticator app or a passkey, after signing in in any way, before
// an application gets a response.
func TestMustEnrol(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startStates(t, db)
		u := &ada{Browser: s.NewBrowser()}
		u.idToken(u.submitPassword(u.begin()))
		setState(s, "ada", account.MustEnrol)
		wantPage(t, "in a session", u.begin(), "/login/second-factor")
		wantPage(t, "the account console", u.Get("/account"), "/login/second-factor")
		if got := u.errorOf(u.begin("prompt", "none")); got != "interaction_required" {
			t.Errorf("prompt=none: error %q, want interaction_required", got)
		}
		if got := u.errorOf(u.submit(u.begin(), "decision", "cancel")); got != "access_denied" {
			t.Errorf("cancelled: error %q, want access_denied", got)
		}
		wantState(s, "ada", account.MustEnrol)
		wantLevel(t, u.idToken(u.enrol(u.begin())), "2", "pwd", "otp", "mfa")
		wantState(s, "ada", account.Active)

		// A passkey ends the state, too.
		b := &ada{Browser: s.NewBrowser()}
		id := b.BeginSignIn()
		b.SubmitPassword(id, "bob", "")
		setState(s, "bob", account.MustEnrol)
		p := b.Get("/oauth2/auth?continue=" + id)
		wantPage(t, "bob", p, "/login/second-factor")
		link := b.Get(p.Location().String()).Attribute("href", func(a map[string]string) bool { return a["id"] == "passkey" })
		if !strings.HasPrefix(link, s.URL+"/login/passkey/create?") {
			t.Fatalf("the offer leads to %q, want the page of a passkey", link)
		}
		with := servertest.NewAuthenticator(s)
		wantLevel(t, b.idToken(b.Post("/login/passkey/create", servertest.RegistrationForm(t, b.Get(link), with))), "1", "pwd")
		wantState(s, "bob", account.Active)

		// The state has no effect on a user who has a passkey.
		setState(s, "bob", account.MustEnrol)
		b.idToken(b.begin())
	})
}
