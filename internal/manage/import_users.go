package manage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/store"
)

// UserImporter imports users from JSON files.
type UserImporter struct {
	Store  *store.Store
	Hasher *credential.Hasher
	Now    func() time.Time
}

// Import creates and updates the users of a JSON array, all or none. A second import of
// the same file changes nothing.
func (i *UserImporter) Import(ctx context.Context, text []byte) (created, updated int, err error) {
	people, err := i.Read(ctx, text, func(int, int) {})
	if err != nil {
		return 0, 0, err
	}
	return i.Store.Accounts.ImportAccounts(ctx, people)
}

// Read reads a file of users and hashes the passwords that are new. It calls progress after
// each entry. Its error joins every fault of every entry.
func (i *UserImporter) Read(ctx context.Context, text []byte, progress func(done, total int)) ([]account.Import, error) {
	entries, faults := parseUsers(text)
	people := make([]account.Import, len(entries))
	hashes := make([]string, len(entries)) // of the present passwords
	when := i.Now()
	usernames := make([]string, len(entries))
	for n, e := range entries {
		usernames[n] = e.Username
	}
	present, err := i.Store.Accounts.AccountsByUsername(ctx, usernames)
	if err != nil {
		return nil, err
	}
	for n, e := range entries {
		people[n].KeepAdministrator = e.Administrator == nil
		people[n].Account = &account.Account{
			Subject: account.NewSubject(), Username: e.Username, Claims: e.Claims,
			Administrator: e.Administrator != nil && *e.Administrator, CreatedAt: when, UpdatedAt: when,
		}
		people[n].Account.SetPassword(e.PasswordHash, when)
		switch known := present[e.Username]; {
		case known != nil:
			hashes[n] = known.PasswordHash()
			if e.Claims == nil {
				people[n].Account.Claims = known.Claims
			}
		case e.Password == "" && e.PasswordHash == "" && !e.faulty:
			faults = append(faults, e.fault(errors.New("password or password_hash is needed for somebody new")))
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	// Hashing is slow on purpose, so it waits until all else is known to be good.
	for n, e := range entries {
		if e.Password != "" {
			hash, err := freshPassword(ctx, i.Hasher, hashes[n], e.Password)
			if err != nil {
				return nil, e.fault(err)
			}
			people[n].Account.SetPassword(hash, when)
		}
		progress(n+1, len(entries))
	}
	return people, nil
}

// freshPassword hashes a password. It returns nothing if it is the one hashed
// before: what is stored then stays, even if somebody changes it meanwhile.
func freshPassword(ctx context.Context, h *credential.Hasher, before, password string) (string, error) {
	if before != "" {
		same, err := h.Verify(ctx, before, password)
		if err != nil && !errors.Is(err, credential.ErrBadHash) {
			return "", fmt.Errorf("compare password: %w", err)
		}
		if same {
			return "", nil
		}
	}
	hash, err := h.Hash(ctx, password)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return hash, nil
}
