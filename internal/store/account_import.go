package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/store/db"
)

// ImportAccounts creates and updates accounts, all or none, and returns the number of
// each. It finds existing accounts by username. An existing account keeps its subject, its
// password unless the entry has one, and what the entry does not change. Groups of entries that
// do not exist are added. A new password ends
// the sessions and grants of the account, and so does disabling it. An entry without a change writes nothing.
// Afterwards the entries have the stored values.
//
// An account from self-registration is updated only with a new password. Without one
// ImportAccounts returns [account.ErrSelfRegistered]: otherwise a third party could
// register the username first and receive the access that the import grants.
func (s *Accounts) ImportAccounts(ctx context.Context, accounts []account.Import) (created, updated int, err error) {
	return s.importAccounts(ctx, accounts, nil)
}

// TryImport returns the result of [Accounts.ImportAccounts], and changes nothing.
func (s *Accounts) TryImport(ctx context.Context, accounts []account.Import) (created, updated int, err error) {
	undo := errors.New("undo the import")
	created, updated, err = s.importAccounts(ctx, accounts, undo)
	if errors.Is(err, undo) {
		return created, updated, nil
	}
	return 0, 0, err
}

// importAccounts imports accounts. It ends its transaction with undo, and then returns the
// numbers with that error.
func (s *Accounts) importAccounts(ctx context.Context, accounts []account.Import, undo error) (created, updated int, err error) {
	var cutOff []*account.Account
	usernames := make([]string, len(accounts))
	for i, one := range accounts {
		usernames[i] = one.Account.Username
	}
	version, err := s.replication.commitChange(ctx, db.ImportTimeout, func(on db.Conn) (bool, error) {
		created, updated, cutOff = 0, 0, nil
		cached := false
		var known map[string]*account.Account
		var added []string // usernames of the batch
		for i, one := range accounts {
			a := one.Account
			if i%batchSize == 0 {
				if err := writeWordsOf(ctx, on, known, added); err != nil {
					return false, err
				}
				added = nil
				var err error
				if known, err = accountsByUsername(ctx, on, usernames[i:min(i+batchSize, len(accounts))]); err != nil {
					return false, err
				}
			}
			did, err := importAccount(ctx, on, one, known[a.Username])
			if err != nil {
				return false, fmt.Errorf("import account %d (%s): %w", i+1, a.Username, err)
			}
			stored := *a
			known[a.Username] = &stored // for a further entry with the username
			if did.created > 0 {
				added = append(added, a.Username)
			}
			created += did.created
			updated += did.updated
			cached = cached || did.disables
			if did.revokesGrants {
				cutOff = append(cutOff, a)
			}
		}
		if err := writeWordsOf(ctx, on, known, added); err != nil {
			return false, err
		}
		return cached, undo
	})
	if err != nil {
		return created, updated, err
	}
	defer s.replication.enforce(ctx, version)
	for _, a := range cutOff {
		if err := s.endConcurrent(ctx, a.Subject, a.SessionsValidAfter); err != nil {
			return 0, 0, err
		}
	}
	return created, updated, nil
}

// AccountsByUsername returns the accounts that have one of the canonical usernames.
func (s *Accounts) AccountsByUsername(ctx context.Context, usernames []string) (map[string]*account.Account, error) {
	return accountsByUsername(ctx, s.db.LongRead, usernames)
}

func accountsByUsername(ctx context.Context, on db.Conn, usernames []string) (map[string]*account.Account, error) {
	known := map[string]*account.Account{}
	err := inChunks(usernames, func(places string, args []any) error {
		return on.Query(ctx, func(from db.Scanner) error {
			a, err := scanAccount(from)
			known[a.Username] = a
			return err
		}, listAccounts+`WHERE a.username IN (`+places+`)`, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	return known, nil
}

// importAccount adds an account, or changes known, the one with its username.
func importAccount(ctx context.Context, on db.Conn, one account.Import, known *account.Account) (importResult, error) {
	entry := one.Account
	if known == nil {
		if err := ensureGroups(ctx, on, entry.Groups, entry.CreatedAt); err != nil {
			return importResult{}, err
		}
		return importResult{created: 1}, insertWithoutWords(ctx, on, entry)
	}
	password, err := hasNewPassword(ctx, on, entry, known)
	if err != nil {
		return importResult{}, err
	}
	if known.SelfRegistered && !password {
		return importResult{}, fmt.Errorf("%w: add a password to the entry, which ends its sessions, change the account with users update, or delete it first", account.ErrSelfRegistered)
	}
	a := *known
	if err := one.Change(&a); err != nil {
		return importResult{}, err
	}
	changes, err := differ(&a, known)
	if err != nil {
		return importResult{}, err
	}
	if !changes && !password {
		*entry = *known
		return importResult{}, nil
	}
	a.UpdatedAt = entry.UpdatedAt
	did := importResult{updated: 1, revokesGrants: password, disables: a.DisabledAt.IsZero() != known.DisabledAt.IsZero()}
	if did.disables && !a.DisabledAt.IsZero() {
		a.SessionsValidAfter, did.revokesGrants = entry.UpdatedAt, true
	}
	if password {
		a.SetPassword(entry.PasswordHash(), entry.UpdatedAt)
		a.SessionsValidAfter, a.SelfRegistered = entry.UpdatedAt, false
	}
	if err := ensureGroups(ctx, on, a.Groups, entry.UpdatedAt); err != nil {
		return importResult{}, err
	}
	hash := entry.PasswordHash()
	*entry = a
	if err := replaceMembers(ctx, on, &a, known); err != nil || !password {
		return did, err
	}
	return did, importPassword(ctx, on, &a, hash)
}

// importPassword sets the password of an account, and ends its sessions.
func importPassword(ctx context.Context, on db.Conn, a *account.Account, hash string) error {
	const update = `
		UPDATE accounts SET password_hash = $2, not_before = $3, self_registered = $4,
			renewed_from = CASE WHEN password_hash = $2 THEN renewed_from END
		WHERE subject = $1`

	if err := removeSources(ctx, on, a.Subject); err != nil {
		return err
	}
	return changeAccount(ctx, on, a.Subject, a.SessionsValidAfter, update,
		a.Subject, hash, stamp(a.SessionsValidAfter), flag(a.SelfRegistered))
}

// differ reports whether two states of an account differ in what [account.Import.Change]
// may change.
func differ(a, b *account.Account) (bool, error) {
	x, err := accountDocuments(a)
	if err != nil {
		return false, err
	}
	y, err := accountDocuments(b)
	if err != nil {
		return false, err
	}
	return x != y || a.AdminRole != b.AdminRole || a.State != b.State || a.DisabledAt.IsZero() != b.DisabledAt.IsZero() ||
		!slices.Equal(a.Addresses, b.Addresses) || !slices.Equal(a.Groups, b.Groups), nil
}

// hasNewPassword reports whether an entry has another password than the account. The
// hash before a renewal is the same password.
func hasNewPassword(ctx context.Context, on db.Conn, a, known *account.Account) (bool, error) {
	const renewed = `SELECT count(*) FROM credentials WHERE subject = $1 AND renewed_from = $2`

	if a.PasswordHash() == "" || a.PasswordHash() == known.PasswordHash() {
		return false, nil
	}
	var same int64
	if err := on.QueryRow(ctx, renewed, known.Subject, digest(a.PasswordHash())).Scan(&same); err != nil {
		return false, fmt.Errorf("compare password hash: %w", err)
	}
	return same == 0, nil
}
