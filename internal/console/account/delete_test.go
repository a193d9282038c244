package account_test

import (
	"errors"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// deleteAccount asks to delete the account of ada, and returns the page that offers to undo it.
func deleteAccount(t *testing.T, b *servertest.Browser) servertest.Response {
	t.Helper()
	page := open(b, "/account/delete")
	if !has(page, "username") || !has(page, "delete") {
		t.Fatalf("no form:\n%s", page.Body)
	}
	p := b.Get(b.Post("/account/delete", form("username", "ada")).Header.Get("Location"))
	if p.Status != http.StatusOK || !has(p, "undo") {
		t.Fatalf("no #undo: %d\n%s", p.Status, p.Body)
	}
	return p
}

// isDisabled reports whether the account of ada is disabled.
func isDisabled(t *testing.T, s *servertest.Server) bool {
	t.Helper()
	a, err := s.Store.Accounts.AccountByUsername(t.Context(), "ada")
	servertest.Must(t, err)
	return !a.DisabledAt.IsZero()
}

// A deleted account is disabled, its sessions and tokens end, and it can be kept on the page that
// follows, by the link in the message, and after signing in.
func TestDeleteAccountAndUndo(t *testing.T) {
	eachWithMail(t, func(t *testing.T, s *servertest.MailServer) {
		t.Helper()
		b, other := s.NewBrowser(), s.NewBrowser()
		token := refreshToken(other)
		open(b, "/account/delete")
		wrong := b.Post("/account/delete", form("username", "bob"))
		wantStatus(t, "another username", wrong, http.StatusBadRequest)
		servertest.Contains(t, wrong.Body, "This is not your username.")

		page := deleteAccount(t, b)
		servertest.WantError(t, s.Refresh(token), http.StatusBadRequest, "invalid_grant")
		for what, ended := range map[string]*servertest.Browser{"own": b, "other": other} {
			if p := ended.Get("/account"); p.Status != http.StatusSeeOther || p.Location().Path != "/login" {
				t.Errorf("the %s session: %d to %s", what, p.Status, p.Location())
			}
		}
		wantMail(t, s, "ada@example.com", "Your Ostiary account will be deleted")
		wantStatus(t, "undoing it", b.Post(page.FormAction(), form()), http.StatusOK)
		if isDisabled(t, s.Server) {
			t.Error("the account is disabled after #undo")
		}
		wantStatus(t, "undoing it again", b.Post("/undo", form()), http.StatusGone)
		wantMail(t, s, "ada@example.com", "Your Ostiary account will be deleted", "Your Ostiary account is kept")

		page = deleteAccount(t, b)
		link := s.MailedLink("ada@example.com", "/undo")
		stranger := s.NewBrowser()
		if p := openLink(stranger, link); !has(p, "undo") || !isDisabled(t, s.Server) {
			t.Fatalf("the link of the message: %d, disabled %v\n%s", p.Status, isDisabled(t, s.Server), p.Body)
		}
		wantStatus(t, "undoing it by the link", stranger.Post("/undo", form()), http.StatusOK)
		wantStatus(t, "the page of the first browser", b.Post(page.FormAction(), form()), http.StatusGone)

		deleteAccount(t, b)
		s.Advance(6 * 24 * time.Hour)
		signIn := b.Get(b.Get("/account").Header.Get("Location"))
		wantStatus(t, "a wrong password", b.Post(signIn.FormAction(), form("request", signIn.HiddenField("request"), "username", "ada", "password", "wrong")), http.StatusForbidden)
		signed := b.Post(signIn.FormAction(), form("request", signIn.HiddenField("request"), "username", "ada", "password", servertest.Password))
		if p := b.Get(signed.Header.Get("Location")); !has(p, "undo") || b.Get("/account").Status != http.StatusSeeOther {
			t.Fatalf("the page after signing in: %d\n%s", p.Status, p.Body)
		}
		wantStatus(t, "undoing it after signing in", b.Post("/undo", form()), http.StatusOK)
		activity := open(b, "/account/activity")
		servertest.Contains(t, activity.Body, "Account to be deleted", "Deletion undone")
	})
}

// After seven days the account is deleted, with an audit event. One that was locked or enabled in
// the meantime is not.
func TestAccountIsDeletedAfterSevenDays(t *testing.T) {
	each(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		ctx := t.Context()
		b := s.NewBrowser()
		deleteAccount(t, b)
		bob := servertest.SubjectOf(t, s, "bob")
		servertest.Must(t, s.Store.Accounts.RequestDeletion(ctx, bob, s.Time()))
		servertest.Must(t, s.Store.Accounts.SetDisabled(ctx, bob, false, s.Time().Add(time.Second)))
		ada := servertest.SubjectOf(t, s, "ada")
		purge := func(after time.Duration) error {
			_, err := s.Store.Purge(ctx, s.Time().Add(after))
			servertest.Must(t, err)
			_, err = s.Store.Accounts.Account(ctx, ada)
			return err
		}
		servertest.Must(t, purge(7*24*time.Hour-time.Second))
		servertest.Must(t, s.Store.Accounts.LockAccount(ctx, ada, s.Time().Add(time.Minute)))
		servertest.Must(t, purge(7*24*time.Hour))
		servertest.Must(t, s.Store.Accounts.EndLockdown(ctx, ada, s.Time().Add(time.Hour)))
		if err := purge(7 * 24 * time.Hour); !errors.Is(err, account.ErrNotFound) {
			t.Errorf("ada after seven days: %v, want %v", err, account.ErrNotFound)
		}
		if _, err := s.Store.Accounts.Account(ctx, bob); err != nil {
			t.Errorf("bob, who was enabled again: %v", err)
		}
		wantStatus(t, "the page that undoes it", b.Get("/undo"), http.StatusGone)
		events, err := s.Store.Audit.ListEvents(ctx, audit.Filter{}, "", 10)
		servertest.Must(t, err)
		if len(events) != 1 || events[0].Action != "user.delete" || events[0].Target != ada || events[0].Actor.Kind != audit.User || events[0].Outcome != audit.Done {
			t.Errorf("audit events: %+v", events)
		}
	})
}

// The last owner cannot delete the account, and stays signed in.
func TestLastOwnerStays(t *testing.T) {
	each(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		_, err := s.Store.Accounts.ChangeAccount(t.Context(), servertest.SubjectOf(t, s, "ada"), s.Time(), func(a *account.Account) error {
			a.AdminRole = account.Owner
			return nil
		})
		servertest.Must(t, err)
		b := s.NewBrowser()
		open(b, "/account/delete")
		p := b.Post("/account/delete", form("username", "ada"))
		wantStatus(t, "deleting the last owner", p, http.StatusBadRequest)
		servertest.Contains(t, p.Body, "You are the last owner.")
		wantStatus(t, "the session", b.Get("/account"), http.StatusOK)
	})
}

// A user without a password signs in with a passkey to keep the account.
func TestUndoDeletionWithPasskey(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := servertest.StartOnLocalhost(t, db, nil, slog.DiscardHandler)
		with := servertest.AddPasskey(s, "ada")
		servertest.Must(t, s.Store.Accounts.RequestDeletion(t.Context(), servertest.SubjectOf(t, s, "ada"), s.Time()))
		b := s.NewBrowser()
		p := b.SignInWithPasskey(b.BeginSignIn(), with)
		if next := p.JSON(t)["location"]; next != s.URL+"/undo" {
			t.Fatalf("the response of the passkey leads to %v\n%s", next, p.Body)
		}
		wantStatus(t, "undoing it", b.Post("/undo", form()), http.StatusOK)
		if isDisabled(t, s) {
			t.Error("the account is disabled after #undo")
		}
	})
}
