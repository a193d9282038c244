package server_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// The message about a new device is in the transaction of the sign-in with a passkey: without it
// the user is not signed in and the challenge stays valid. A known device causes none.
func TestNewDeviceIsMailedWithThePasskeySignIn(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		t.Helper()
		db := storetest.Open(t, url)
		s := startPasskeys(t, db)
		with := servertest.AddPasskey(s, "ada")
		db.NotifyUsers()
		s.Advance(time.Hour)
		b := s.NewBrowser()
		form := b.PasskeyForm(b.BeginSignIn(), with)

		storetest.Exec(t, url, `ALTER TABLE mails RENAME TO lost`)
		p := b.Post("/login/passkey", form)
		storetest.Exec(t, url, `ALTER TABLE lost RENAME TO mails`)
		if p.Status < http.StatusInternalServerError || b.Cookie("ostiary_session") != "" || !passkeysOf(s, "ada")[0].LastUsedAt.IsZero() {
			t.Errorf("without a place for the message: %d, session %q, %+v", p.Status, b.Cookie("ostiary_session"), passkeysOf(s, "ada")[0])
		}
		told := func() int {
			list, err := db.Mails.ListMails(t.Context(), store.MailFilter{Kind: mail.NewDevice}, "", 10)
			servertest.Must(t, err)
			return len(list)
		}
		before := db.Statements()
		if p = b.Post("/login/passkey", form); p.Status != http.StatusOK || told() != 1 {
			t.Fatalf("the same response: %d %s, %d messages", p.Status, p.Body, told())
		}
		// The request, the passkeys, the account, five of the sign-in, the message, and one to list it.
		if got := db.Statements() - before; got != 10 {
			t.Errorf("a new device: %d statements", got)
		}
		s.Advance(time.Minute)
		if p = b.Post("/login/passkey", b.PasskeyForm(b.BeginSignIn("prompt", "login"), with)); p.Status != http.StatusOK || told() != 1 {
			t.Errorf("on the same device: %d, %d messages", p.Status, told())
		}
	})
}
