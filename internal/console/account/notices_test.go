package account_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

// signInFrom signs in as ada in a browser that names itself as agent, and returns the browser.
func signInFrom(t *testing.T, s *servertest.Server, b *servertest.Browser, agent string) {
	t.Helper()
	page := b.Get(b.Get("/account").Header.Get("Location"))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/login",
		strings.NewReader(form("request", page.HiddenField("request"), "username", "ada", "password", servertest.Password).Encode()))
	servertest.Must(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", s.Config.Origin())
	r.Header.Set("User-Agent", agent)
	wantStatus(t, "sign-in", servertest.Send(t, b.Client, r), http.StatusSeeOther)
}

// A sign-in from a device that the account has not used is mailed, with the device in words. The
// first one of a new account is not, and neither is a further one from the same device.
func TestNewDevicesAreMailed(t *testing.T) {
	eachWithMail(t, func(t *testing.T, s *servertest.MailServer) {
		t.Helper()
		const agent = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
		open(s.NewBrowser(), "/account")
		wantMail(t, s, "ada@example.com")
		s.Advance(time.Hour)
		b := s.NewBrowser()
		signInFrom(t, s.Server, b, agent)
		wantMail(t, s, "ada@example.com", "New sign-in to your Ostiary account")
		servertest.Contains(t, s.MailsTo("ada@example.com")[0], "Firefox on Linux, 127.0.0.1.")
		s.Advance(48 * time.Hour)
		b.Post("/account/sessions", form("end_others", "on"))
		signInFrom(t, s.Server, b, agent)
		wantMail(t, s, "ada@example.com", "New sign-in to your Ostiary account")
	})
}

// A new password is mailed, whether the user or an administrator has set it, and so is a lockdown.
func TestPasswordsAndLockdownsAreMailed(t *testing.T) {
	eachWithMail(t, func(t *testing.T, s *servertest.MailServer) {
		t.Helper()
		b := s.NewBrowser()
		open(b, "/account/password")
		submit(b, "/account/password", "current_password", servertest.Password, "new_password", "another horse battery")
		wantMail(t, s, "ada@example.com", "Your Ostiary password was changed")
		subject := servertest.SubjectOf(t, s.Server, "ada")
		servertest.Must(t, s.Store.Accounts.SetPassword(t.Context(), subject, servertest.PasswordHash(), s.Time()))
		wantMail(t, s, "ada@example.com", "Your Ostiary password was changed", "Your Ostiary password was changed")
		servertest.Must(t, s.Store.Accounts.LockAccount(t.Context(), subject, s.Time()))
		wantMail(t, s, "ada@example.com", "Your Ostiary password was changed", "Your Ostiary password was changed", "Your Ostiary account is locked")
	})
}

// A removed authenticator app and new recovery codes are mailed.
func TestFactorsAreMailed(t *testing.T) {
	eachWithMail(t, func(t *testing.T, s *servertest.MailServer) {
		t.Helper()
		b := s.NewBrowser()
		open(b, "/account/recovery-codes")
		wantStatus(t, "new codes", b.Post("/account/recovery-codes", form("generate", "on")), http.StatusOK)
		wantMail(t, s, "ada@example.com", "New way to sign in to your Ostiary account")
		subject := servertest.SubjectOf(t, s.Server, "ada")
		servertest.Must(t, s.Store.SecondFactors.RemoveCredential(t.Context(), subject, credential.RecoveryCodesID, s.Time()))
		wantMail(t, s, "ada@example.com", "New way to sign in to your Ostiary account", "Removed from your Ostiary account")
	})
}
