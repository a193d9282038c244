package store_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/passkey"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// registered returns a registration in the session with the ID, whose challenge was issued at a
// time after noon.
func registered(id, subject, sessionID string, issued time.Duration) *passkey.Registration {
	return &passkey.Registration{
		Passkey: &passkey.Passkey{
			ID: []byte(id), Subject: subject, Handle: []byte("handle of " + subject), RPID: "id.example.org", Label: "Passkey",
			Key:     passkey.Key{Version: 1, PublicKey: []byte("key"), Transports: []string{"internal"}, BackupEligible: true},
			Counter: 1<<32 - 1, BackedUp: true, CreatedAt: noon.Add(issued),
		},
		Use: passkey.SessionChallenge{CookieHash: fixture.CookieHash(sessionID), IssuedAt: noon.Add(issued).UnixMicro()},
	}
}

func TestCredentialIDIsRegisteredOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		for _, subject := range []string{"alice", "bob"} {
			must(t, s.Sessions.InsertSession(t.Context(), fixture.Session("of "+subject, subject), nil))
		}
		add := func(r *passkey.Registration) error { return s.Passkeys.InsertPasskey(t.Context(), r, noon) }
		first := registered("one", "alice", "of alice", time.Second)
		must(t, add(first))
		wantErr(t, "the same challenge", add(registered("two", "alice", "of alice", time.Second)), passkey.ErrSpent)
		wantErr(t, "an older challenge", add(registered("two", "alice", "of alice", 0)), passkey.ErrSpent)
		wantErr(t, "the same credential ID", add(registered("one", "alice", "of alice", 2*time.Second)), passkey.ErrExists)
		wantErr(t, "the credential ID of another account", add(registered("one", "bob", "of bob", time.Second)), passkey.ErrExists)
		wantErr(t, "the session of another account", add(registered("two", "alice", "of bob", 3*time.Second)), session.ErrNotFound)
		wantErr(t, "an unknown session", add(registered("two", "alice", "none", 3*time.Second)), session.ErrNotFound)

		list, err := s.Passkeys.PasskeysOf(t.Context(), "alice")
		must(t, err)
		wantSame(t, "passkeys", list, []*passkey.Passkey{first.Passkey})
		a, list, err := s.Passkeys.PasskeysByHandle(t.Context(), []byte("handle of alice"))
		must(t, err)
		wantSame(t, "passkeys by handle", list, []*passkey.Passkey{first.Passkey})
		if want := fixture.Account("alice"); a.Subject != want.Subject || a.Username != want.Username || !a.SessionsValidAfter.Equal(want.SessionsValidAfter) {
			t.Errorf("account by handle = %+v, want that of alice", a)
		}
		_, _, err = s.Passkeys.PasskeysByHandle(t.Context(), []byte("handle of bob"))
		wantErr(t, "an unknown handle", err, passkey.ErrUnknown)

		must(t, s.Accounts.DeleteAccount(t.Context(), "alice", noon))
		if exists, err := s.Passkeys.PasskeyExists(t.Context(), []byte("one")); err != nil || exists {
			t.Errorf("the passkey of a deleted account exists: %v, %v", exists, err)
		}
	})
}

func TestPasskeysPerAccountAreBounded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		must(t, s.Sessions.InsertSession(t.Context(), fixture.Session("sid", "alice"), nil))
		for i := range passkey.MaxPerAccount {
			must(t, s.Passkeys.InsertPasskey(t.Context(), registered(strconv.Itoa(i), "alice", "sid", time.Duration(i+1)*time.Second), noon))
		}
		err := s.Passkeys.InsertPasskey(t.Context(), registered("one more", "alice", "sid", time.Minute), noon)
		wantErr(t, "one more", err, passkey.ErrTooMany)
	})
}

// Of concurrent registrations with one challenge one succeeds.
func TestRegistrationsWithOneChallengeRace(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		must(t, s.Sessions.InsertSession(t.Context(), fixture.Session("sid", "alice"), nil))
		ids := make(chan string, 64)
		for i := range cap(ids) {
			ids <- strconv.Itoa(i)
		}
		fixture.WantOneWinner(t, fixture.Race(t, s, s, func(ctx context.Context, s *store.Store) error {
			return s.Passkeys.InsertPasskey(ctx, registered(<-ids, "alice", "sid", time.Second), noon)
		}), passkey.ErrSpent)
	})
}

// A user who has lost passkeys reads of their removal in one message. Others stay: those that were
// added in the meantime, and those of other accounts.
func TestRemovePasskeys(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		for i, id := range []string{"alice one", "alice two", "alice three", "bob one"} {
			subject, _, _ := strings.Cut(id, " ")
			must(t, s.Sessions.InsertSession(t.Context(), fixture.Session(id, subject), nil))
			must(t, s.Passkeys.InsertPasskey(t.Context(), registered(id, subject, id, time.Duration(i)*time.Second), noon))
		}
		s.NotifyUsers()
		must(t, s.Passkeys.RemovePasskeys(t.Context(), "alice", [][]byte{[]byte("alice one"), []byte("alice two"), []byte("bob one")}, noon))
		must(t, s.Passkeys.RemovePasskeys(t.Context(), "alice", [][]byte{[]byte("alice one")}, noon))
		for subject, want := range map[string]string{"alice": "alice three", "bob": "bob one"} {
			list, err := s.Passkeys.PasskeysOf(t.Context(), subject)
			must(t, err)
			if len(list) != 1 || string(list[0].ID) != want {
				t.Errorf("%s has the passkeys %+v, want %s", subject, list, want)
			}
		}
		mails, err := s.Mails.ListMails(t.Context(), store.MailFilter{Kind: mail.CredentialRemoved}, "", 10)
		must(t, err)
		if len(mails) != 1 || mails[0].Subject != "alice" {
			t.Errorf("the messages are %+v, want one to alice", mails)
		}
	})
}
