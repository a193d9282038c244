package server_test

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/onetimelink"
	"github.com/ostiary/ostiary/internal/passkey"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// newAccountPage is a page on which the user of a one-time link creates an account.
type newAccountPage struct {
	name, path string
	// link returns a link of the page.
	link func(*testing.T, *servertest.Server) string
	// done is the status of the form that created the account.
	done int
}

func newAccountPages() []newAccountPage {
	return []newAccountPage{
		{"invitation", "/invitation", inviteGrace, http.StatusOK},
		{"set-up", "/setup", setUpLink, http.StatusSeeOther},
	}
}

func inviteGrace(t *testing.T, s *servertest.Server) string {
	t.Helper()
	invitations := &manage.Invitations{
		Issuer: s.URL, Groups: s.Store.Groups, Links: s.Store.OneTimeLinks, Now: s.Time,
	}
	link, _, err := invitations.Link(t.Context(), manage.Invitee{Address: "grace@example.com"})
	servertest.Must(t, err)
	return link
}

func setUpLink(t *testing.T, s *servertest.Server) string {
	t.Helper()
	token := rand.Text()
	servertest.Must(t, s.Store.SetupLinks.InsertSetupLink(t.Context(), onetimelink.Hash(token), s.Time().Add(30*time.Minute)))
	return s.URL + "/setup?token=" + token
}

// eachNewAccountPage runs a test for each page at a server of each engine.
func eachNewAccountPage(t *testing.T, test func(t *testing.T, s *servertest.Server, p newAccountPage)) {
	t.Helper()
	t.Parallel()
	for _, p := range newAccountPages() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.Store) {
				t.Helper()
				settings := map[string]string{"rate_limits": "off", "sign_up": "invited"}
				test(t, servertest.StartOnLocalhost(t, db, settings, slog.DiscardHandler), p)
			})
		})
	}
}

// newAccountForm returns the form of a page for grace, with the response of an authenticator.
func newAccountForm(t *testing.T, page servertest.Response, with *servertest.Authenticator) url.Values {
	t.Helper()
	form := servertest.RegistrationForm(t, page, with)
	form.Set("token", page.HiddenField("token"))
	form.Set("username", "grace")
	return form
}

// A user with a link creates an account with a passkey and without a password, and is signed in at
// the level of the passkey, which signs in elsewhere.
func TestNewAccountWithAPasskey(t *testing.T) {
	eachNewAccountPage(t, func(t *testing.T, s *servertest.Server, at newAccountPage) {
		t.Helper()
		b, with := s.NewBrowser(), servertest.NewAuthenticator(s)
		waiting := b.BeginSignIn()
		page := b.Follow(b.Get(at.link(t, s)))
		for _, id := range []string{"username", "password", "passkey"} {
			if !hasElement(page, id) {
				t.Fatalf("no #%s: %d\n%s", id, page.Status, page.Body)
			}
		}
		form := newAccountForm(t, page, with)
		if p := b.Post(at.path, form); p.Status != at.done {
			t.Fatalf("create: %d\n%s", p.Status, p.Body)
		}
		a, list := accountOf(s, "grace"), passkeysOf(s, "grace")
		if a.PasswordHash() != "" || len(list) != 1 || !list[0].Key.UserVerified || list[0].Key.Silent {
			t.Errorf("grace has the password %q and %d passkeys", a.PasswordHash(), len(list))
		}
		if len(a.Subject) != len(account.NewSubject()) || strings.Trim(a.Subject, "abcdefghijklmnopqrstuvwxyz234567") != "" {
			t.Errorf("the subject is %q, want the form of others", a.Subject)
		}
		if (a.AdminRole == account.Owner) != (at.path == "/setup") {
			t.Errorf("the role is %q", a.AdminRole)
		}
		wantClaims(t, claimsOf(b, b.Get("/oauth2/auth?continue="+waiting)), "phr", "pop", "user", "mfa", "hwk")
		if p := b.Get("/account/passkeys?add=1"); p.Status != http.StatusOK || !strings.Contains(p.Body, "data-options") {
			t.Errorf("the page of passkeys: %d, want another one to be possible", p.Status)
		}

		other := s.NewBrowser()
		next, _ := other.SignInWithPasskey(other.BeginSignIn(), with).JSON(t)["location"].(string)
		wantClaims(t, claimsOf(other, other.Get(next)), "phr", "pop", "user", "mfa", "hwk")
		if p := b.Post(at.path, form); p.Status != http.StatusGone {
			t.Errorf("the same form again: %d, want 410", p.Status)
		}
	})
}

// Wrong responses create nothing and leave the link to the right one.
func TestWrongPasskeysOfNewAccounts(t *testing.T) {
	eachNewAccountPage(t, func(t *testing.T, s *servertest.Server, at newAccountPage) {
		t.Helper()
		b, right := s.NewBrowser(), servertest.NewAuthenticator(s)
		page := b.Follow(b.Get(at.link(t, s)))
		right.Options.UserHandle = nil
		reject := func(name string, form url.Values) {
			t.Helper()
			p := b.Post(at.path, form)
			if p.Status != http.StatusBadRequest || !hasElement(p, "fault") || !hasElement(p, "passkey") {
				t.Errorf("%s: %d, want 400 and the form\n%s", name, p.Status, p.Body)
			}
			if b.Cookie("ostiary_session") != "" {
				t.Errorf("%s: the browser has a session", name)
			}
		}
		for name, prepare := range map[string]func(*servertest.Authenticator){
			"another origin":             func(a *servertest.Authenticator) { a.Party.Origin = "https://evil.example" },
			"another port":               func(a *servertest.Authenticator) { a.Party.Origin = "http://localhost:1" },
			"another RP ID":              func(a *servertest.Authenticator) { a.Party.ID = "evil.example" },
			"the user is not verified":   func(a *servertest.Authenticator) { a.Options.UserNotVerified = true },
			"the user is not present":    func(a *servertest.Authenticator) { a.Options.UserNotPresent = true },
			"backed up and not eligible": func(a *servertest.Authenticator) { a.Options.BackupState = true },
		} {
			with := servertest.NewAuthenticator(s)
			prepare(with)
			reject(name, newAccountForm(t, page, with))
		}
		form := newAccountForm(t, page, right)
		for name, value := range map[string]string{"state": strings.Repeat("A", 200), "credential": "{}", "username": "ada"} {
			broken := maps.Clone(form)
			broken[name] = []string{value}
			reject("another "+name, broken)
		}
		// Challenges of a session, and of the link of another user.
		ada := s.NewBrowser()
		created := ada.Get(ada.SubmitPassword(ada.BeginSignIn(), "ada", "page").Location().String())
		form = newAccountForm(t, created, right)
		form.Set("token", page.HiddenField("token"))
		reject("a challenge of a session", form)
		elsewhere := s.NewBrowser()
		stranger := elsewhere.Follow(elsewhere.Get(setUpLink(t, s)))
		form = newAccountForm(t, stranger, right)
		form.Set("token", page.HiddenField("token"))
		reject("a challenge of another link", form)
		if p := ada.Post("/login/passkey/create", url.Values{
			"request": {created.HiddenField("request")}, "state": {page.HiddenField("state")},
			"credential": newAccountForm(t, page, right)["credential"],
		}); p.Status != http.StatusBadRequest || len(passkeysOf(s, "ada")) != 0 {
			t.Errorf("a challenge of a link in a session: %d, want 400", p.Status)
		}

		late := newAccountForm(t, page, right)
		s.Advance(passkey.ChallengeLifetime + time.Second)
		reject("a challenge after five minutes", late)
		if _, err := s.Store.Accounts.AccountByUsername(t.Context(), "grace"); err == nil {
			t.Fatal("a wrong response created the account")
		}
		again := b.Post(at.path, late)
		if p := b.Post(at.path, newAccountForm(t, again, right)); p.Status != at.done {
			t.Errorf("afterwards the right one gets %d\n%s", p.Status, p.Body)
		}
	})
}

// The handle of the user stays the same after a rejected form, so that the authenticator replaces
// the passkey of that attempt. Another link has another one.
func TestPasskeyOfARejectedFormIsReplaced(t *testing.T) {
	eachNewAccountPage(t, func(t *testing.T, s *servertest.Server, at newAccountPage) {
		t.Helper()
		b, with := s.NewBrowser(), servertest.NewAuthenticator(s)
		handle := func(page servertest.Response) string {
			t.Helper()
			newAccountForm(t, page, with)
			return string(with.Options.UserHandle)
		}
		page := b.Follow(b.Get(at.link(t, s)))
		first := handle(page)
		form := newAccountForm(t, page, with)
		form.Set("username", "ada")
		if second := handle(b.Post(at.path, form)); second != first {
			t.Error("after a rejected form the user handle is another one")
		}
		other := s.NewBrowser()
		if handle(other.Follow(other.Get(at.link(t, s)))) == first {
			t.Error("two links have one user handle")
		}
	})
}

// Of concurrent forms with one response one creates the account.
func TestConcurrentNewAccountsWithOnePasskey(t *testing.T) {
	eachNewAccountPage(t, func(t *testing.T, s *servertest.Server, at newAccountPage) {
		t.Helper()
		b := s.NewBrowser()
		form := newAccountForm(t, b.Follow(b.Get(at.link(t, s))), servertest.NewAuthenticator(s))
		statuses := make(chan int)
		for i := range 8 {
			each := maps.Clone(form)
			each["username"] = []string{fmt.Sprintf("grace%d", i)}
			go func() { statuses <- b.Post(at.path, each).Status }()
		}
		count := map[int]int{}
		for range 8 {
			count[<-statuses]++
		}
		if count[at.done] != 1 || count[http.StatusGone] != 7 {
			t.Errorf("statuses = %v, want one %d and seven 410", count, at.done)
		}
	})
}

// A ceremony that began at one replica ends at another one.
func TestNewAccountAtAnotherReplica(t *testing.T) {
	t.Parallel()
	for _, at := range newAccountPages() {
		t.Run(at.name, func(t *testing.T) {
			t.Parallel()
			storetest.EachURL(t, func(t *testing.T, url string) {
				settings := map[string]string{"rate_limits": "off", "sign_up": "invited", "trusted_proxies": "127.0.0.0/8,::1/128"}
				one := servertest.StartOnLocalhost(t, storetest.Open(t, url), settings, slog.DiscardHandler)
				settings["issuer"] = one.URL
				two := servertest.StartOnLocalhost(t, storetest.Open(t, url), settings, slog.DiscardHandler)
				b, with := one.NewBrowser(), servertest.NewAuthenticator(one)
				form := newAccountForm(t, b.Follow(b.Get(at.link(t, one))), with)
				b.Client.Transport = one.NewBrowserAt(two, "192.0.2.1").Client.Transport
				if p := b.Post(at.path, form); p.Status != at.done || len(passkeysOf(one, "grace")) != 1 {
					t.Errorf("the form at the other replica: %d\n%s", p.Status, p.Body)
				}
			})
		})
	}
}

// Where passkeys are off, the pages have no button, and a response of an authenticator is ignored.
func TestNewAccountsWithoutPasskeys(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), map[string]string{"sign_up": "invited"})
	for _, at := range newAccountPages() {
		b := s.NewBrowser()
		page := b.Follow(b.Get(at.link(t, s)))
		if page.Status != http.StatusOK || strings.Contains(page.Body, "passkey") {
			t.Errorf("%s: %d, or it has a passkey\n%s", at.name, page.Status, page.Body)
		}
		form := url.Values{"token": {page.HiddenField("token")}, "username": {"grace"}, "state": {"x"}, "credential": {"{}"}}
		if p := b.Post(at.path, form); p.Status != http.StatusBadRequest || !hasElement(p, "fault") {
			t.Errorf("%s without a password: %d, want 400", at.name, p.Status)
		}
	}
}

// After a rename the page of the profile gives authenticators the current names.
func TestProfileSignalsCurrentNames(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := startPasskeys(t, db)
		b, with := s.NewBrowser(), servertest.AddPasskey(s, "ada")
		b.SignInWithPasskey(b.BeginSignIn(), with)
		page := b.Get("/account/profile")
		b.Post("/account/profile", url.Values{"fields": {page.HiddenField("fields")}, "name": {"Ada King"}})
		page = b.Get("/account/profile")
		userID := base64.RawURLEncoding.EncodeToString(passkeysOf(s, "ada")[0].Handle)
		for name, want := range map[string]string{"data-rp-id": "localhost", "data-user-id": userID, "data-name": "ada", "data-display-name": "Ada King"} {
			if got := page.Attribute(name, func(a map[string]string) bool { return a["id"] == "passkey-user" }); got != want {
				t.Errorf("%s = %q, want %q", name, got, want)
			}
		}
	})
	b := servertest.Start(t, storetest.New(t), nil).NewBrowser()
	b.Code(servertest.AuthorizationRequest())
	if p := b.Get("/account/profile"); p.Status != http.StatusOK || strings.Contains(p.Body, "passkey") {
		t.Errorf("the profile names passkeys where they are off\n%s", p.Body)
	}
}
