package account_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// eachWithMail runs a test at a server of each engine that sends mail.
func eachWithMail(t *testing.T, test func(t *testing.T, s *servertest.MailServer)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) { test(t, servertest.StartWithMail(t, db, nil)) })
}

// openLink opens a link in a message, and returns the page after the redirect.
func openLink(b *servertest.Browser, link string) servertest.Response {
	b.Server.TB.Helper()
	return b.Get(b.Get(link).Header.Get("Location"))
}

// has reports whether a page has an element with the ID.
func has(p servertest.Response, id string) bool {
	return p.Attribute("id", func(a map[string]string) bool { return a["id"] == id }) != ""
}

// addressesOf returns the addresses of ada: a star marks the primary one, a question mark those
// that are not verified.
func addressesOf(t *testing.T, s *servertest.Server) string {
	t.Helper()
	a, err := s.Store.Accounts.AccountByUsername(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, one := range a.Addresses {
		text := one.Address
		if one.Primary {
			text += "*"
		}
		if one.VerifiedAt.IsZero() {
			text += "?"
		}
		list = append(list, text)
	}
	return strings.Join(list, " ")
}

// wantMail compares the subjects of the messages to an address, in any order.
func wantMail(t *testing.T, s *servertest.MailServer, address string, want ...string) {
	t.Helper()
	var got []string
	for _, text := range s.MailsTo(address) {
		subject, _, _ := strings.Cut(text, "\n")
		got = append(got, subject)
	}
	slices.Sort(got)
	slices.Sort(want)
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("messages to %s:\n%s\nwant:\n%s", address, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

const (
	verifySubject  = "Confirm your email address for Ostiary"
	addedSubject   = "New email address in your Ostiary account"
	removedSubject = "Email address removed from your Ostiary account"
	primarySubject = "New primary email address of your Ostiary account"
)

// A user adds an address, confirms it by the link in the message, makes it the primary one, and
// removes the other. All confirmed addresses are told of each change.
func TestAddresses(t *testing.T) {
	eachWithMail(t, func(t *testing.T, s *servertest.MailServer) {
		t.Helper()
		b := s.NewBrowser()
		page := open(b, "/account/addresses")
		for _, id := range []string{"email", "add"} {
			if !has(page, id) {
				t.Errorf("the page lacks #%s:\n%s", id, page.Body)
			}
		}
		p := submit(b, "/account/addresses", "email", " New@Example.org ")
		wantText(t, "status", status(p), "We have sent a message to New@Example.org. Open the link in it to confirm the address.")
		servertest.Contains(t, p.Body, `class="address"`, `name="verify" value="New@Example.org"`, `name="remove" value="New@Example.org"`)
		servertest.Lacks(t, p.Body, `name="primary"`)
		wantText(t, "addresses", addressesOf(t, s.Server), "ada@example.com* New@Example.org?")
		wantStatus(t, "an unverified primary address", b.Post("/account/addresses", form("primary", "New@Example.org")), http.StatusNotFound)

		confirm := openLink(b, s.MailedLink("New@Example.org", "/verify"))
		if !has(confirm, "confirm") {
			t.Fatalf("no #confirm: %d\n%s", confirm.Status, confirm.Body)
		}
		wantStatus(t, "confirming", b.Post("/verify", form("confirm", "yes")), http.StatusOK)
		p = submit(b, "/account/addresses", "primary", "new@example.org")
		wantText(t, "status", status(p), "new@example.org is now your primary address.")
		wantText(t, "addresses", addressesOf(t, s.Server), "New@Example.org* ada@example.com")

		ask := b.Post("/account/addresses", form("remove", "ada@example.com"))
		if ask.Status != http.StatusOK || !has(ask, "confirm") || strings.Contains(ask.Body, "your only confirmed address") {
			t.Errorf("removing one of two: %d\n%s", ask.Status, ask.Body)
		}
		wantText(t, "addresses before the confirmation", addressesOf(t, s.Server), "New@Example.org* ada@example.com")
		submit(b, "/account/addresses", "remove", "ada@example.com", "confirm", "yes")
		wantText(t, "addresses", addressesOf(t, s.Server), "New@Example.org*")
		ask = b.Post("/account/addresses", form("remove", "New@Example.org"))
		servertest.Contains(t, ask.Body, "your only confirmed address")
		submit(b, "/account/addresses", "remove", "New@Example.org", "confirm", "yes")
		p = open(b, "/account/addresses")
		servertest.Contains(t, p.Body, "Add an address to recover your account.")

		wantMail(t, s, "ada@example.com", removedSubject, primarySubject, addedSubject)
		wantMail(t, s, "New@Example.org", removedSubject, removedSubject, primarySubject, verifySubject)
		servertest.Contains(t, strings.Join(s.MailsTo("ada@example.com"), "\n"), "ada@example.com was removed from your account ada")
		activity := open(b, "/account/activity")
		servertest.Contains(t, activity.Body, "Address added: New@Example.org", "Address confirmed: New@Example.org",
			"Primary address changed: New@Example.org", "Address removed: ada@example.com")
	})
}

// The page is only for users who have authenticated a moment ago.
func TestAddressesNeedARecentSignIn(t *testing.T) {
	each(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		b := s.NewBrowser()
		open(b, "/account/addresses")
		s.Advance(6 * time.Minute)
		for what, p := range map[string]servertest.Response{
			"GET": b.Get("/account/addresses"), "POST": b.Post("/account/addresses", form("email", "new@example.org")),
		} {
			if p.Status != http.StatusSeeOther || p.Location().Path != "/login" {
				t.Errorf("%s after six minutes: %d to %s", what, p.Status, p.Location())
			}
		}
		wantText(t, "addresses", addressesOf(t, s), "ada@example.com*")
	})
}

// Invalid, known and too many addresses are refused with the reason. An address of another
// account looks like any other, and its message cannot confirm it here.
func TestRefusedAddresses(t *testing.T) {
	eachWithMail(t, func(t *testing.T, s *servertest.MailServer) {
		t.Helper()
		_, _, err := s.ImportUsers([]byte(`[{"username": "eve", "password_hash": "` + servertest.PasswordHash() + `", "claims": {"email": "eve@example.com", "email_verified": true}}]`))
		servertest.Must(t, err)
		b := s.NewBrowser()
		open(b, "/account/addresses")
		for email, want := range map[string]string{
			"no address": "This is not an email address.", "": "This is not an email address.", "ADA@example.com": "Your account already has this address.",
		} {
			p := b.Post("/account/addresses", form("email", email))
			wantStatus(t, "adding "+email, p, http.StatusBadRequest)
			servertest.Contains(t, p.Body, want)
		}
		p := submit(b, "/account/addresses", "email", "eve@example.com")
		servertest.Contains(t, status(p), "We have sent a message to eve@example.com.")
		openLink(b, s.MailedLink("eve@example.com", "/verify"))
		wantStatus(t, "confirming the address of another account", b.Post("/verify", form("confirm", "yes")), http.StatusGone)
		wantStatus(t, "removing the address of another account", b.Post("/account/addresses", form("remove", "bob@example.com", "confirm", "yes")), http.StatusNotFound)
		for i := range 8 {
			submit(b, "/account/addresses", "email", "a"+string(rune('0'+i))+"@example.com")
		}
		p = b.Post("/account/addresses", form("email", "last@example.com"))
		wantStatus(t, "adding the eleventh address", p, http.StatusBadRequest)
		servertest.Contains(t, p.Body, "You have the maximum number of addresses.")
	})
}

// At most three messages an hour are sent to an address; the page says the same.
func TestVerificationMailsAreLimited(t *testing.T) {
	eachWithMail(t, func(t *testing.T, s *servertest.MailServer) {
		t.Helper()
		b := s.NewBrowser()
		open(b, "/account/addresses")
		submit(b, "/account/addresses", "email", "new@example.org")
		for range 4 {
			p := submit(b, "/account/addresses", "verify", "new@example.org")
			servertest.Contains(t, status(p), "We have sent a message to new@example.org.")
		}
		wantMail(t, s, "new@example.org", verifySubject, verifySubject, verifySubject)
	})
}

// Without mail the page says who confirms an address, and offers no message.
func TestAddressesWithoutMail(t *testing.T) {
	each(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		b := s.NewBrowser()
		open(b, "/account/addresses")
		p := submit(b, "/account/addresses", "email", "new@example.org")
		servertest.Contains(t, status(p), "This service sends no mail")
		servertest.Lacks(t, p.Body, `name="verify"`)
		wantStatus(t, "asking for a message", b.Post("/account/addresses", form("verify", "new@example.org")), http.StatusNotFound)
	})
}
