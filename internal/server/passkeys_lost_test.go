package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/onetimelink"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/totp"
)

const (
	lostPasskeys      = "/account/passkeys?lost=1"
	recoveredPassword = "another horse battery"
)

// loser is ada in a browser, with a password, a passkey, an authenticator app and recovery codes.
type loser struct {
	*servertest.Browser

	t       *testing.T
	passkey *servertest.Authenticator
	app     []byte
	codes   []string
}

func newLoser(t *testing.T, s *servertest.Server) *loser {
	t.Helper()
	u := &loser{Browser: s.NewBrowser(), t: t, passkey: servertest.AddPasskey(s, "ada")}
	u.app = addApp(s)
	codes, err := s.App.SecondFactors.GenerateRecoveryCodes(t.Context(), accountOf(s, "ada").Subject, s.Time())
	servertest.Must(t, err)
	u.codes = codes
	return u
}

// code returns the code that the authenticator app shows.
func (u *loser) code() string {
	u.Server.Advance(time.Minute)
	return totp.Code(u.app, totp.Step(u.Server.Time()))
}

// signIn signs in with the password and the fields of the second factor.
func (u *loser) signIn(second ...string) {
	u.t.Helper()
	id := u.BeginSignIn("prompt", "login")
	p := u.SubmitPassword(id, "ada", "")
	if len(second) > 0 {
		form := url.Values{"request": {id}}
		for i := 0; i < len(second); i += 2 {
			form.Set(second[i], second[i+1])
		}
		p = u.Post("/login/second-factor", form)
	}
	if u.Cookie("ostiary_session") == "" {
		u.t.Fatalf("no session: %d to %s\n%s", p.Status, p.Location(), p.Body)
	}
}

// recover sets a new password with a link, after the codes of a second factor, and is signed in.
func (u *loser) recover(waived bool, codes ...string) {
	u.t.Helper()
	if p := u.open(waived, codes...); u.Cookie("ostiary_session") == "" {
		u.t.Fatalf("no session after the recovery: %d to %s\n%s", p.Status, p.Location(), p.Body)
	}
}

// open sets a new password with a link, after the codes of a second factor.
func (u *loser) open(waived bool, codes ...string) servertest.Response {
	u.t.Helper()
	a := accountOf(u.Server, "ada")
	l, token := onetimelink.New(onetimelink.Recover, a.Subject, "", u.Server.Time())
	l.Version, l.Data.Waived = onetimelink.Version(onetimelink.Recover, a), waived
	servertest.Must(u.t, u.Server.Store.OneTimeLinks.InsertLink(u.t.Context(), l))
	u.Get(onetimelink.URL(u.Server.URL, onetimelink.Recover, token))
	for _, code := range codes {
		u.Post("/recover", url.Values{"code": {code}})
	}
	return u.Post("/recover", url.Values{"password": {recoveredPassword}})
}

// removeApp removes the authenticator app, so that a link alone sets a password.
func (u *loser) removeApp() {
	u.t.Helper()
	subject := accountOf(u.Server, "ada").Subject
	f, err := u.Server.App.SecondFactors.Enrolled(u.t.Context(), subject)
	servertest.Must(u.t, err)
	servertest.Must(u.t, u.Server.App.SecondFactors.RemoveTOTP(u.t.Context(), subject, f.Authenticators[0].ID, u.Server.Time()))
}

// Users who have lost all passkeys remove them after two other factors of the last five minutes, and
// then add another one. One factor never suffices: neither the password, nor mail, nor the link of an
// administrator, nor a trusted device.
func TestLostPasskeys(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		mode    string
		signIn  func(*loser)
		allowed bool
	}{
		"password and recovery code": {"when_enrolled", func(u *loser) { u.signIn("recovery_code", u.codes[0]) }, true},
		"password and app":           {"when_enrolled", func(u *loser) { u.signIn("code", u.code()) }, true},
		"mail and app":               {"when_enrolled", func(u *loser) { u.recover(false, u.code()) }, true},
		"passkey": {"when_enrolled", func(u *loser) {
			u.SignInWithPasskey(u.BeginSignIn(), u.passkey)
		}, true},
		"password": {"on_demand", func(u *loser) { u.signIn() }, false},
		"mail": {"on_demand", func(u *loser) {
			u.removeApp()
			u.recover(false)
		}, false},
		"link of an administrator": {"when_enrolled", func(u *loser) { u.recover(true) }, false},
		"trusted device": {"when_enrolled", func(u *loser) {
			u.signIn("code", u.code(), "trust_device", "on")
			u.signIn()
		}, false},
		"two factors six minutes ago": {"when_enrolled", func(u *loser) {
			u.signIn("code", u.code())
			u.Server.Advance(6 * time.Minute)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.Store) {
				t.Helper()
				s := startFactors(t, db, tc.mode)
				u := newLoser(t, s)
				tc.signIn(u)
				db.NotifyUsers()
				if page := u.Get(lostPasskeys); (page.Status == http.StatusOK && hasElement(page, "confirm")) != tc.allowed {
					t.Errorf("the page: %d to %s, want it to be shown: %t", page.Status, page.Location(), tc.allowed)
				}
				if !tc.allowed {
					p := u.Post(lostPasskeys, url.Values{"confirm": {"yes"}})
					if p.Status != http.StatusSeeOther || !strings.HasPrefix(p.Location().Path, "/login") || len(passkeysOf(s, "ada")) != 1 {
						t.Errorf("the form: %d to %s, %d passkeys; want the sign-in pages, and the passkey to stay", p.Status, p.Location(), len(passkeysOf(s, "ada")))
					}
					return
				}
				if p := u.Post(lostPasskeys, nil); p.Status != http.StatusOK || len(passkeysOf(s, "ada")) != 1 {
					t.Errorf("the form without confirmation: %d, %d passkeys", p.Status, len(passkeysOf(s, "ada")))
				}
				p := u.Post(lostPasskeys, url.Values{"confirm": {"yes"}})
				if p.Location().Path != "/account/passkeys" || len(passkeysOf(s, "ada")) != 0 {
					t.Fatalf("the form: %d to %s, %d passkeys", p.Status, p.Location(), len(passkeysOf(s, "ada")))
				}
				mails, err := db.Mails.ListMails(t.Context(), store.MailFilter{}, "", 10)
				servertest.Must(t, err)
				if len(mails) != 1 || mails[0].Kind != mail.CredentialRemoved || mails[0].To != "ada@example.com" {
					t.Errorf("the messages are %+v, want one about the removal", mails)
				}
				form := servertest.RegistrationForm(t, u.Get(p.Location().String()), servertest.NewAuthenticator(s))
				if p := u.Post("/account/passkeys", form); p.Status != http.StatusSeeOther || len(passkeysOf(s, "ada")) != 1 {
					t.Errorf("another passkey: %d, %d passkeys", p.Status, len(passkeysOf(s, "ada")))
				}
			})
		})
	}
}

// A user who is asked for a passkey reads where to go without one, if another second factor exists.
// Other sessions end if the user wishes, and a user without another way to sign in keeps the passkey.
func TestWayToThePageOfLostPasskeys(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startFactors(t, db, "when_enrolled")
		u := newLoser(t, s)
		elsewhere := s.NewBrowser()
		elsewhere.SignInWithPasskey(elsewhere.BeginSignIn(), u.passkey)
		u.signIn("recovery_code", u.codes[0])
		page := u.Follow(u.Get("/account/passkeys?add=1"))
		link := page.Attribute("href", func(a map[string]string) bool { return a["id"] == "lost-passkeys" })
		if link != s.URL+lostPasskeys {
			t.Fatalf("the page of the second factor leads to %q\n%s", link, page.Body)
		}
		if list := u.Get("/account/passkeys"); list.Attribute("href", func(a map[string]string) bool { return a["id"] == "lost-passkeys" }) != link {
			t.Errorf("the list of passkeys does not lead to the page\n%s", list.Body)
		}
		form := url.Values{"confirm": {"yes"}, "end_others": {"on"}}
		u.Post(lostPasskeys, form)
		if p := elsewhere.Get("/account"); p.Status != http.StatusSeeOther {
			t.Errorf("the other session: %d, want it to have ended", p.Status)
		}
		if p := u.Post(lostPasskeys, form); p.Status != http.StatusSeeOther || p.Location().Path != "/account/passkeys" {
			t.Errorf("without passkeys: %d to %s", p.Status, p.Location())
		}

		with := servertest.AddPasskey(startFactors(t, db, "on_demand"), "bob")
		servertest.Must(t, db.Accounts.SetPassword(t.Context(), accountOf(s, "bob").Subject, "", s.Time()))
		with.Party.Origin = s.Config.Origin()
		bob := s.NewBrowser()
		bob.SignInWithPasskey(bob.BeginSignIn(), with)
		if p := bob.Post(lostPasskeys, form); p.Status != http.StatusBadRequest || len(passkeysOf(s, "bob")) != 1 {
			t.Errorf("the only way to sign in: %d, %d passkeys", p.Status, len(passkeysOf(s, "bob")))
		}
	})
}

// A link of an administrator that resets factors removes them when it sets the password, and not
// before. The user then signs in with the password, and adds a passkey.
func TestLinkResetsFactors(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startFactors(t, db, "when_enrolled")
		u := newLoser(t, s)
		ada := accountOf(s, "ada")
		recovery := &manage.Recovery{Issuer: s.URL, Links: db.OneTimeLinks, Now: s.Time}
		link, _, err := recovery.Link(t.Context(), ada, true)
		servertest.Must(t, err)
		enrolled := func() int {
			t.Helper()
			f, err := s.App.SecondFactors.Enrolled(t.Context(), ada.Subject)
			servertest.Must(t, err)
			return len(passkeysOf(s, "ada")) + len(f.Credentials())
		}
		page := u.Follow(u.Get(link))
		if !strings.Contains(page.Body, "authenticator apps and recovery codes are removed") {
			t.Errorf("the page does not say what is removed\n%s", page.Body)
		}
		if p := u.Post("/recover", url.Values{"password": {"short"}}); p.Status != http.StatusBadRequest || enrolled() != 3 {
			t.Errorf("a password that is rejected: %d, %d factors; want 400 and three", p.Status, enrolled())
		}
		db.NotifyUsers()
		if p := u.Post("/recover", url.Values{"password": {recoveredPassword}}); p.Status != http.StatusOK || enrolled() != 0 {
			t.Fatalf("the new password: %d, %d factors; want none\n%s", p.Status, enrolled(), p.Body)
		}
		mails, err := db.Mails.ListMails(t.Context(), store.MailFilter{Kind: mail.CredentialRemoved}, "", 10)
		servertest.Must(t, err)
		if len(mails) != 3 {
			t.Errorf("%d messages about removals, want three", len(mails))
		}
		if p := u.Get("/account/passkeys?add=1"); p.Location().Path != "/login" {
			t.Errorf("adding a passkey after mail alone: %d to %s, want the sign-in page", p.Status, p.Location())
		}
		id := u.BeginSignIn("prompt", "login")
		u.Post("/login", url.Values{"request": {id}, "username": {"ada"}, "password": {recoveredPassword}})
		form := servertest.RegistrationForm(t, u.Get("/account/passkeys"), servertest.NewAuthenticator(s))
		if p := u.Post("/account/passkeys", form); p.Status != http.StatusSeeOther || enrolled() != 1 {
			t.Errorf("another passkey: %d, %d factors", p.Status, enrolled())
		}
	})
}

// A user with a passkey and no password has two factors: a link by mail sets a password, and does not
// sign in without the passkey or a recovery code. With a recovery code the user replaces the passkey.
func TestMailDoesNotReplaceTheOnlyPasskey(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startFactors(t, db, "when_enrolled")
		u := newLoser(t, s)
		u.removeApp()
		servertest.Must(t, db.Accounts.SetPassword(t.Context(), accountOf(s, "ada").Subject, "", s.Time()))
		s.Advance(time.Second)
		if p := u.open(false); p.Status != http.StatusSeeOther || u.Cookie("ostiary_session") != "" {
			t.Fatalf("the link: %d to %s, session %q; want none", p.Status, p.Location(), u.Cookie("ostiary_session"))
		}
		id := u.BeginSignIn()
		p := u.Post("/login", url.Values{"request": {id}, "username": {"ada"}, "password": {recoveredPassword}})
		if p.Location().Path != "/login/second-factor" || u.Cookie("ostiary_session") != "" {
			t.Fatalf("the new password: %d to %s, session %q", p.Status, p.Location(), u.Cookie("ostiary_session"))
		}
		if p := u.Get("/login/enrol?request=" + id); p.Location().Path != "/login/second-factor" {
			t.Errorf("an authenticator app instead: %d to %s", p.Status, p.Location())
		}
		u.Post("/login/second-factor", url.Values{"request": {id}, "recovery_code": {u.codes[0]}})
		if p := u.Post(lostPasskeys, url.Values{"confirm": {"yes"}}); p.Location().Path != "/account/passkeys" || len(passkeysOf(s, "ada")) != 0 {
			t.Errorf("after the recovery code: %d to %s, %d passkeys", p.Status, p.Location(), len(passkeysOf(s, "ada")))
		}
	})
}
