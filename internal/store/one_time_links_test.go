package store_test

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/onetimelink"
	"github.com/ostiary/ostiary/internal/passkey"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// insertLink stores a link for a new password of the account.
func insertLink(t *testing.T, s *store.Store, a *account.Account) *onetimelink.Link {
	t.Helper()
	l, _ := onetimelink.New(onetimelink.Recover, a.Subject, "", noon)
	l.Version, l.Data = onetimelink.Version(onetimelink.Recover, a), onetimelink.Data{Request: "request", Groups: []string{"staff"}}
	must(t, s.OneTimeLinks.InsertLink(t.Context(), l))
	return l
}

func anAccount(t *testing.T, s *store.Store, subject string) *account.Account {
	t.Helper()
	a, err := s.Accounts.Account(t.Context(), subject)
	must(t, err)
	return a
}

func TestOneTimeLinkIsStored(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		want := insertLink(t, s, anAccount(t, s, "alice"))
		got, err := s.OneTimeLinks.Link(t.Context(), want.Hash, noon)
		must(t, err)
		wantSame(t, "the link", got, want)
		must(t, s.OneTimeLinks.ProveLink(t.Context(), want.Hash, noon.Add(time.Second)))
		got, err = s.OneTimeLinks.Link(t.Context(), want.Hash, noon)
		must(t, err)
		if !got.ProvenAt.Equal(noon.Add(time.Second)) {
			t.Errorf("the second factor was proven at %v", got.ProvenAt)
		}
		late := want.ExpiresAt
		_, err = s.OneTimeLinks.Link(t.Context(), want.Hash, late)
		wantErr(t, "an expired link", err, onetimelink.ErrInvalid)
		wantErr(t, "proving with an expired link", s.OneTimeLinks.ProveLink(t.Context(), want.Hash, late), onetimelink.ErrInvalid)
		_, err = s.OneTimeLinks.Link(t.Context(), onetimelink.Hash("none"), noon)
		wantErr(t, "an unknown link", err, onetimelink.ErrInvalid)
	})
}

// A new link for a password ends the earlier ones of its account, and of no other.
func TestNewLinkReplacesItsKind(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		alice, bob := insertLink(t, s, anAccount(t, s, "alice")), insertLink(t, s, anAccount(t, s, "bob"))
		verify, _ := onetimelink.New(onetimelink.Verify, "alice", "a@rp.example", noon)
		must(t, s.OneTimeLinks.InsertLink(t.Context(), verify))
		other, _ := onetimelink.New(onetimelink.Verify, "alice", "b@rp.example", noon)
		must(t, s.OneTimeLinks.InsertLink(t.Context(), other))
		insertLink(t, s, anAccount(t, s, "alice"))
		_, err := s.OneTimeLinks.Link(t.Context(), alice.Hash, noon)
		wantErr(t, "the replaced link", err, onetimelink.ErrInvalid)
		for _, l := range []*onetimelink.Link{bob, verify, other} {
			if _, err := s.OneTimeLinks.Link(t.Context(), l.Hash, noon); err != nil {
				t.Errorf("a link of %s for %s: %v", l.Subject, l.Kind, err)
			}
		}
	})
}

// Of any number of callers one sets the password. The others change nothing.
func TestOneCallerRecoversAPassword(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		one, two := storetest.Open(t, url), storetest.Open(t, url)
		fixture.Seed(t, one)
		a := anAccount(t, one, "alice")
		l := insertLink(t, one, a)
		results := fixture.Race(t, one, two, func(ctx context.Context, s *store.Store) error {
			told := mail.New(mail.RecoveryUsed, "alice@rp.example", noon)
			return s.OneTimeLinks.RecoverPassword(ctx, l, a, "$recovered", []*mail.Message{told}, noon.Add(time.Second))
		})
		fixture.WantOneWinner(t, results, onetimelink.ErrInvalid)
		list, err := one.Mails.ListMails(t.Context(), store.MailFilter{}, "", 100)
		must(t, err)
		if len(list) != 1 {
			t.Errorf("%d messages are in the outbox, want that of the one success", len(list))
		}
		if got := anAccount(t, one, "alice"); got.PasswordHash() != "$recovered" || !got.SessionsValidAfter.Equal(noon.Add(time.Second)) {
			t.Errorf("the account is %+v, want the new password, and its sessions ended", got)
		}
	})
}

// Of any number of callers that spend a link one succeeds, whatever the link is for.
func TestOneCallerSpendsALink(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		kind    onetimelink.Kind
		subject string
		spend   func(context.Context, *store.Store, *onetimelink.Link) error
	}{
		"invitation": {onetimelink.Invitation, "", func(ctx context.Context, s *store.Store, l *onetimelink.Link) error {
			return s.OneTimeLinks.AcceptInvitation(ctx, l, fixture.Account(rand.Text()), nil, noon)
		}},
		"address": {onetimelink.Verify, "alice", func(ctx context.Context, s *store.Store, l *onetimelink.Link) error {
			return s.OneTimeLinks.VerifyAddress(ctx, l, noon)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.EachURL(t, func(t *testing.T, url string) {
				one, two := storetest.Open(t, url), storetest.Open(t, url)
				fixture.Seed(t, one)
				address, err := account.AddressKey(anAccount(t, one, "alice").Addresses[0].Address)
				must(t, err)
				l, _ := onetimelink.New(tc.kind, tc.subject, address, noon)
				must(t, one.OneTimeLinks.InsertLink(t.Context(), l))
				results := fixture.Race(t, one, two, func(ctx context.Context, s *store.Store) error { return tc.spend(ctx, s, l) })
				fixture.WantOneWinner(t, results, onetimelink.ErrInvalid)
			})
		})
	}
}

// An account is not created without its passkey, and the link stays for the next attempt.
func TestAccountAndPasskeyOfALink(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		insert func(context.Context, *store.Store) ([]byte, error) // a link, and returns its hash
		redeem func(context.Context, *store.Store, []byte, *account.Account, *passkey.Passkey) error
		ended  error // of a link that was redeemed
	}{
		"invitation": {func(ctx context.Context, s *store.Store) ([]byte, error) {
			l, _ := onetimelink.New(onetimelink.Invitation, "", "new@example.com", noon)
			return l.Hash, s.OneTimeLinks.InsertLink(ctx, l)
		}, func(ctx context.Context, s *store.Store, hash []byte, a *account.Account, p *passkey.Passkey) error {
			return s.OneTimeLinks.AcceptInvitation(ctx, &onetimelink.Link{Hash: hash, Kind: onetimelink.Invitation}, a, p, noon)
		}, onetimelink.ErrInvalid},
		"set-up": {func(ctx context.Context, s *store.Store) ([]byte, error) {
			return []byte("link"), s.SetupLinks.InsertSetupLink(ctx, []byte("link"), noon.Add(time.Hour))
		}, func(ctx context.Context, s *store.Store, hash []byte, a *account.Account, p *passkey.Passkey) error {
			a.AdminRole = account.Owner
			return s.SetupLinks.RedeemSetupLink(ctx, hash, a, p, "192.0.2.1", noon)
		}, account.ErrSetupLink},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				fixture.Seed(t, s)
				must(t, s.Sessions.InsertSession(t.Context(), fixture.Session("session", "alice"), nil))
				must(t, s.Passkeys.InsertPasskey(t.Context(), registered("taken", "alice", "session", time.Second), noon))
				hash, err := tc.insert(t.Context(), s)
				must(t, err)
				redeem := func(subject, id string) error {
					return tc.redeem(t.Context(), s, hash, fixture.Account(subject), registered(id, subject, "", 0).Passkey)
				}
				wantErr(t, "a credential ID that is taken", redeem("new", "taken"), passkey.ErrExists)
				_, err = s.Accounts.Account(t.Context(), "new")
				wantErr(t, "the account without its passkey", err, account.ErrNotFound)
				must(t, redeem("new", "free"))
				list, err := s.Passkeys.PasskeysOf(t.Context(), "new")
				must(t, err)
				wantSame(t, "passkeys", list, []*passkey.Passkey{registered("free", "new", "", 0).Passkey})
				wantErr(t, "the link again", redeem("other", "other"), tc.ended)
			})
		})
	}
}

// A link does not set a password after the account has changed, and stays for the next attempt.
func TestRecoveryOfAChangedAccount(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(context.Context, *store.Store) error{
		"new password": func(ctx context.Context, s *store.Store) error {
			return s.Accounts.SetPassword(ctx, "alice", "$other", noon.Add(time.Second))
		},
		"disabled": func(ctx context.Context, s *store.Store) error {
			return s.Accounts.SetDisabled(ctx, "alice", true, noon.Add(time.Second))
		},
		"deleted": func(ctx context.Context, s *store.Store) error {
			return s.Accounts.DeleteAccount(ctx, "alice", noon.Add(time.Second))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				fixture.Seed(t, s)
				a := anAccount(t, s, "alice")
				l := insertLink(t, s, a)
				must(t, change(t.Context(), s))
				err := s.OneTimeLinks.RecoverPassword(t.Context(), l, a, "$recovered", nil, noon.Add(2*time.Second))
				wantErr(t, "RecoverPassword", err, onetimelink.ErrInvalid)
				if after, err := s.Accounts.Account(t.Context(), "alice"); err == nil {
					if after.PasswordHash() == "$recovered" {
						t.Error("the password was set")
					}
					if onetimelink.Version(onetimelink.Recover, after) == l.Version {
						t.Error("the version of the account is that of the link")
					}
				}
			})
		})
	}
}
