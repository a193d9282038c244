package store_test

import (
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// A renewal does not undo a password change, and the import with the first hash has no
// effect until the password changes.
func TestRenewedHashIsTheSamePassword(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		renew := func(old, renewed string, want bool) {
			t.Helper()
			done, err := s.Accounts.RenewPasswordHash(t.Context(), "alice", old, renewed)
			must(t, err)
			wantSame(t, "RenewPasswordHash from "+old, done, want)
		}
		bring := func(hash string, wantUpdated int, wantHash string) {
			t.Helper()
			a := fixture.Account("alice")
			a.UpdatedAt = noon.Add(time.Hour)
			a.SetPassword(hash, a.UpdatedAt)
			_, updated, err := s.Accounts.ImportAccounts(t.Context(), imports(a))
			must(t, err)
			kept, err := s.Accounts.Account(t.Context(), "alice")
			must(t, err)
			wantSame(t, "accounts updated by importing "+hash, updated, wantUpdated)
			wantSame(t, "the hash after importing "+hash, kept.PasswordHash(), wantHash)
		}
		first := fixture.Account("alice").PasswordHash()
		renew(first, "second", true)
		renew(first, "lost the race", false)
		renew("second", "third", true)
		bring(first, 0, "third")
		bring("another password", 1, "another password")
		bring(first, 1, first)

		renew(first, "second", true)
		must(t, s.Accounts.SetPassword(t.Context(), "alice", "chosen", noon.Add(2*time.Hour)))
		renew("second", "late", false)
		bring(first, 1, first)
	})
}
