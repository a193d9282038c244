package manage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/credential"
)

// UserImportStore reads accounts, and writes those of an import.
type UserImportStore interface {
	// AccountsByUsername returns the known accounts by username.
	AccountsByUsername(ctx context.Context, usernames []string) (map[string]*account.Account, error)
	// ImportAccounts creates and updates accounts, all or none.
	ImportAccounts(ctx context.Context, all []account.Import) (created, updated int, err error)
}

// UserImporter imports users from JSON files.
type UserImporter struct {
	Store  UserImportStore
	Hasher *credential.Hasher
	// Attributes has the attributes that accounts may have.
	Attributes interface {
		ListAttributes(ctx context.Context) ([]*account.Attribute, error)
	}
	Now func() time.Time
	// AllowNoPassword also accepts new users without a password, who set one after a recovery.
	AllowNoPassword bool
}

// Import creates and updates the users of a JSON array, all or none. A second import of
// the same file changes nothing.
func (i *UserImporter) Import(ctx context.Context, text []byte) (created, updated int, err error) {
	users, err := i.Read(ctx, text, func(int, int) {})
	if err != nil {
		return 0, 0, err
	}
	return i.Store.ImportAccounts(ctx, users)
}

// Read reads a file of users and hashes the passwords that are new. It calls progress after
// each entry. The error joins the errors of all entries.
func (i *UserImporter) Read(ctx context.Context, text []byte, progress func(done, total int)) ([]account.Import, error) {
	entries, faults := parseUsers(text)
	users := make([]account.Import, len(entries))
	hashes := make([]string, len(entries)) // of the stored passwords
	when := i.Now()
	var usernames []string
	for _, e := range entries {
		usernames = append(usernames, e.forms...)
	}
	stored, err := i.Store.AccountsByUsername(ctx, usernames)
	if err != nil {
		return nil, err
	}
	schema, err := i.Attributes.ListAttributes(ctx)
	if err != nil {
		return nil, err
	}
	for n, e := range entries {
		if e.Attributes != nil {
			if _, err := checkValues(schema, nil, *e.Attributes); err != nil {
				faults = append(faults, e.fault(err))
			}
		}
		known := e.find(stored)
		if _, err := account.Username(e.Username); known == nil && err != nil && !e.faulty {
			faults = append(faults, e.fault(fmt.Errorf("username: %w", err)))
		}
		subject := e.Subject
		switch {
		case subject == "":
			subject = account.NewSubject()
		case known != nil && known.Subject != subject:
			faults = append(faults, e.fault(errOtherSubject))
		}
		users[n] = account.Import{
			Account: &account.Account{Subject: subject, Username: e.Username, CreatedAt: when, UpdatedAt: when},
			Change:  func(a *account.Account) error { return e.apply(a, when) },
		}
		a := users[n].Account
		if err := e.apply(a, when); err != nil && !e.faulty {
			faults = append(faults, e.fault(err))
		}
		a.SetPassword(e.PasswordHash, when)
		if known != nil {
			hashes[n] = known.PasswordHash()
		} else if e.Password == "" && e.PasswordHash == "" && !e.NoPassword && !e.faulty && !i.AllowNoPassword {
			faults = append(faults, e.fault(errors.New("password or password_hash is required for a new user")))
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	// Hashing is expensive, so all entries are validated first.
	for n, e := range entries {
		if e.Password != "" {
			hash, err := freshPassword(ctx, i.Hasher, hashes[n], e.Password)
			if err != nil {
				return nil, e.fault(err)
			}
			users[n].Account.SetPassword(hash, when)
		}
		progress(n+1, len(entries))
	}
	return users, nil
}

// freshPassword hashes a password. It returns an empty hash if the password is that of the
// stored hash, so that the import keeps the stored one even if it is changed concurrently.
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
