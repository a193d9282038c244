package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/store/db"
)

// Accounts stores the accounts of users.
type Accounts struct {
	db          *db.DB
	replication *replication
	log         *slog.Logger
	notices     *notices
}

const accountColumns = `a.subject, a.username, a.claims, a.administrator, a.admin_role, a.state, a.roles, a.attributes,
	a.self_registered, a.disabled_at, a.locked_at, a.deletion_requested_at, a.terms_version, a.terms_accepted_at, a.breach_checked, a.breached,
	a.not_before, a.created_at, a.updated_at, ` + groupsOf + `, ` + addressesOf

// selectAccount reads one account with its password, listAccounts several. PostgreSQL makes
// their plans while the tables are empty: a condition on the ID of the credential, or a join of
// many accounts, would then get a plan that reads all credentials.
const (
	selectAccount = `
		SELECT ` + accountColumns + `, c.secret, c.created_at
		FROM accounts a LEFT JOIN credentials c ON c.subject = a.subject AND c.kind = '` + string(credential.Password) + `' `
	listAccounts = `
		SELECT ` + accountColumns + `, (SELECT c.secret` + passwordOf + `), (SELECT c.created_at` + passwordOf + `)
		FROM accounts a `
	passwordOf = ` FROM credentials c WHERE c.subject = a.subject AND c.kind = '` + string(credential.Password) + `'`
)

func scanAccount(from db.Scanner) (*account.Account, error) {
	var (
		hash  string
		setAt time.Time
		owner bool

		checked  []byte
		breached bool
	)
	a := &account.Account{}
	err := from.Scan(&a.Subject, &a.Username, intoDocument(&a.Claims), intoFlag(&owner), intoText(&a.AdminRole), intoText(&a.State),
		intoOptional(&a.Roles), intoOptional(&a.Attributes), intoFlag(&a.SelfRegistered),
		intoTime(&a.DisabledAt), intoTime(&a.LockedAt), intoTime(&a.DeletionRequestedAt),
		intoText(&a.Terms.Version), intoTime(&a.Terms.At), intoBytes(&checked), intoFlag(&breached), intoTime(&a.SessionsValidAfter), intoTime(&a.CreatedAt), intoTime(&a.UpdatedAt),
		into(func(text string) error { a.Groups = items(text); return nil }), intoAddresses(&a.Addresses),
		intoText(&hash), intoTime(&setAt))
	if owner {
		a.AdminRole = account.Owner
	}
	a.State = cmp.Or(a.State, account.Active)
	a.SetPassword(hash, setAt)
	a.Breach = breachCheck(hash, checked, breached)
	return a, err
}

// adminColumns returns the columns administrator and admin_role. Replicas of the previous
// version know only owners, as administrators.
func adminColumns(r account.AdminRole) (administrator int64, role string) {
	if r == account.Owner {
		return 1, ""
	}
	return 0, string(r)
}

// stateColumn returns the column state.
func stateColumn(s account.State) string {
	if s == account.Active {
		return ""
	}
	return string(s)
}

// Account returns the account of a subject, or [account.ErrNotFound].
func (s *Accounts) Account(ctx context.Context, subject string) (*account.Account, error) {
	return accountBySubject(ctx, s.db.Read, subject)
}

func accountBySubject(ctx context.Context, on db.Conn, subject string) (*account.Account, error) {
	const read = selectAccount + `WHERE a.subject = $1`
	return readAccount(on.QueryRow(ctx, read, subject))
}

// AccountBySignInName returns the account for a name that a user entered: the username in one of
// its forms, else a verified email address. It returns [account.ErrNotFound] for an unknown name,
// which takes the same statement.
func (s *Accounts) AccountBySignInName(ctx context.Context, name string) (*account.Account, error) {
	return accountByHint(ctx, s.db.Read, name, "")
}

// accountByHint is [Accounts.AccountBySignInName], and finds the account of subject if there is none.
func accountByHint(ctx context.Context, on db.Conn, name, subject string) (*account.Account, error) {
	const read = selectAccount + `
		WHERE a.subject = coalesce((SELECT u.subject FROM accounts u WHERE u.username = $1), (SELECT u.subject FROM accounts u WHERE u.username = $2),
			(SELECT e.subject FROM addresses e WHERE e.address_key = $3 AND e.verified_at IS NOT NULL), $4)`

	forms := append(account.UsernameForms(name), "", "")
	key, err := account.AddressKey(strings.TrimSpace(name))
	if err != nil {
		key = ""
	}
	return readAccount(on.QueryRow(ctx, read, forms[0], forms[1], key, subject))
}

// AccountByUsername returns the account of a stored username, or [account.ErrNotFound].
func (s *Accounts) AccountByUsername(ctx context.Context, username string) (*account.Account, error) {
	return accountByUsername(ctx, s.db.Read, username)
}

func accountByUsername(ctx context.Context, on db.Conn, username string) (*account.Account, error) {
	const read = selectAccount + `WHERE a.username = $1`
	return readAccount(on.QueryRow(ctx, read, username))
}

func readAccount(from db.Row) (*account.Account, error) {
	a, err := scanAccount(from)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, account.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read account: %w", err)
	}
	return a, nil
}

// Passwords are written to accounts.password_hash, where replicas of the previous version
// read them. A trigger copies them to credentials in the same statement, see migration 24.

// InsertAccount adds an account with its addresses and groups. It returns
// [account.ErrExists] if the subject or the username is taken, or the username is the verified
// address of another account, [account.ErrIsClient] if the
// subject is the client_id of a client, [account.ErrAddressTaken] if another account has
// verified one of its verified addresses, and [account.ErrGroupNotFound].
func (s *Accounts) InsertAccount(ctx context.Context, a *account.Account) error {
	if !hasRecords(a) {
		return insertAccount(ctx, s.db.Write, a)
	}
	return s.db.Tx(ctx, func(c db.Conn) error { return insertAccount(ctx, c, a) })
}

// hasRecords reports whether an account has records in other tables, so that it takes a transaction
// to add it.
func hasRecords(a *account.Account) bool {
	return !a.IsExternal() || len(a.Claims) > 0 || len(a.Addresses) > 0 || len(a.Groups) > 0 || a.Terms != (account.AcceptedTerms{})
}

// insertAccount adds an account, in a transaction if it has further records.
func insertAccount(ctx context.Context, on db.Conn, a *account.Account) error {
	if err := insertWithoutWords(ctx, on, a); err != nil || !hasRecords(a) {
		return err
	}
	return writeWords(ctx, on, a)
}

// insertWithoutWords is insertAccount without the words by which the account is found.
func insertWithoutWords(ctx context.Context, on db.Conn, a *account.Account) error {
	const insert = `
		INSERT INTO accounts (subject, username, password_hash, claims, administrator, admin_role, state, roles, attributes, self_registered,
			disabled_at, not_before, created_at, updated_at)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14
		WHERE NOT EXISTS (SELECT 1 FROM clients c WHERE c.id = $1)
			AND NOT EXISTS (SELECT 1 FROM accounts u WHERE u.username IN ($2, $15))
			AND NOT EXISTS (SELECT 1 FROM addresses e WHERE e.address_key = $16 AND e.verified_at IS NOT NULL)
		ON CONFLICT DO NOTHING`

	columns, err := accountDocuments(a)
	if err != nil {
		return err
	}
	// A user who enters the name of this account must find no other one by it.
	canonical, err := account.CanonicalUsername(a.Username)
	if err != nil || a.IsExternal() {
		canonical = a.Username
	}
	key, err := account.AddressKey(a.Username)
	if err != nil {
		key = ""
	}
	administrator, role := adminColumns(a.AdminRole)
	inserted, err := on.Exec(ctx, insert, a.Subject, a.Username, a.PasswordHash(), columns.claims, administrator, role, stateColumn(a.State),
		columns.roles, columns.attributes, flag(a.SelfRegistered),
		micros(a.DisabledAt), stamp(a.SessionsValidAfter), stamp(a.CreatedAt), stamp(a.UpdatedAt), canonical, key)
	if err != nil {
		return fmt.Errorf("insert account: %w", err)
	}
	if inserted == 0 {
		return insertAccountError(ctx, on, a.Subject)
	}
	if a.Terms.Version != "" {
		if err := writeTerms(ctx, on, a); err != nil {
			return err
		}
	}
	if len(a.Addresses) > 0 {
		if err := writeAddresses(ctx, on, a); err != nil {
			return err
		}
	}
	if len(a.Groups) == 0 {
		return nil
	}
	return writeGroups(ctx, on, a)
}

// insertAccountError returns the reason for which an account could not be inserted.
func insertAccountError(ctx context.Context, on db.Conn, subject string) error {
	var clients int64
	if err := on.QueryRow(ctx, `SELECT count(*) FROM clients WHERE id = $1`, subject).Scan(&clients); err != nil {
		return fmt.Errorf("look for client: %w", err)
	}
	if clients > 0 {
		return account.ErrIsClient
	}
	return account.ErrExists
}

// ListAccounts returns up to limit accounts in the order of usernames, starting after
// the username after.
func (s *Accounts) ListAccounts(ctx context.Context, after string, limit int) (list []*account.Account, err error) {
	const read = listAccounts + `WHERE a.username > $1 ORDER BY a.username LIMIT $2`

	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		a, err := scanAccount(from)
		list = append(list, a)
		return err
	}, read, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	return list, nil
}

// HasAdministrator reports whether an account with the administrator right exists.
func (s *Accounts) HasAdministrator(ctx context.Context) (bool, error) {
	const count = `SELECT count(*) FROM accounts WHERE administrator = 1`

	var administrators int64
	if err := s.db.Read.QueryRow(ctx, count).Scan(&administrators); err != nil {
		return false, fmt.Errorf("count administrators: %w", err)
	}
	return administrators > 0, nil
}

// SetPassword sets the hash of an account's password. The sessions and grants of the
// account end, its devices and networks become unknown, and its failure counters are
// cleared. It returns [account.ErrNotFound] for an unknown subject.
func (s *Accounts) SetPassword(ctx context.Context, subject, hash string, now time.Time) error {
	const set = `
		UPDATE accounts SET password_hash = $2, renewed_from = NULL, updated_at = $3,
			not_before = CASE WHEN not_before < $3 THEN $3 ELSE not_before END
		WHERE subject = $1`

	err := s.db.Tx(ctx, func(c db.Conn) error {
		if err := changeAccount(ctx, c, subject, now, set, subject, hash, now.UnixMicro()); err != nil {
			return err
		}
		if err := s.notices.ofPassword(ctx, c, subject, now); err != nil {
			return err
		}
		return removeSources(ctx, c, subject)
	})
	if err != nil {
		return err
	}
	return s.endConcurrent(ctx, subject, now)
}

// RenewPasswordHash replaces the hash old of an account's password by another hash of
// the same password. Sessions and grants stay valid. It returns false if the hash of
// the account is no longer old. The store keeps a digest of the first hash, so that an
// import with that hash does not count as a new password.
func (s *Accounts) RenewPasswordHash(ctx context.Context, subject, old, renewed string) (bool, error) {
	const renew = `
		UPDATE accounts SET password_hash = $3, renewed_from = coalesce(renewed_from, $4)
		WHERE subject = $1 AND password_hash = $2`

	changed, err := s.db.Write.Exec(ctx, renew, subject, old, renewed, digest(old))
	if err != nil {
		return false, fmt.Errorf("renew password hash: %w", err)
	}
	return changed == 1, nil
}

// SampleHashes returns the password hashes of the first limit accounts.
func (s *Accounts) SampleHashes(ctx context.Context, limit int) (hashes []string, err error) {
	const read = `SELECT secret FROM credentials WHERE kind = $1 ORDER BY subject, id LIMIT $2`

	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		var hash string
		err := from.Scan(&hash)
		hashes = append(hashes, hash)
		return err
	}, read, string(credential.Password), limit)
	if err != nil {
		return nil, fmt.Errorf("sample password hashes: %w", err)
	}
	return hashes, nil
}

// SetDisabled disables or enables an account; a locked one stays disabled. Disabling ends its sessions and grants
// permanently and makes its devices and networks unknown. Both clear its failure
// counters. It returns [account.ErrNotFound] for an unknown subject, and
// [account.ErrLastOwner] instead of disabling the last owner.
func (s *Accounts) SetDisabled(ctx context.Context, subject string, disabled bool, now time.Time) error {
	// Replicas cache whether an account is disabled, with the issuers that are trusted for
	// its subject.
	version, err := s.replication.commitChange(ctx, db.RequestTimeout, func(c db.Conn) (bool, error) {
		return true, setDisabled(ctx, c, subject, disabled, now)
	})
	if err != nil {
		return err
	}
	if disabled {
		err = s.endConcurrent(ctx, subject, now)
	}
	s.replication.enforce(ctx, version)
	return err
}

// setDisabled is [Accounts.SetDisabled] within a transaction.
func setDisabled(ctx context.Context, on db.Conn, subject string, disabled bool, now time.Time) error {
	const disable = `
		UPDATE accounts SET disabled_at = $2, updated_at = $2,
			not_before = CASE WHEN not_before < $2 THEN $2 ELSE not_before END
		WHERE subject = $1`
	const enable = `UPDATE accounts SET disabled_at = locked_at, deletion_requested_at = NULL, updated_at = $2 WHERE subject = $1`

	if !disabled {
		if err := changeAccount(ctx, on, subject, time.Time{}, enable, subject, now.UnixMicro()); err != nil {
			return err
		}
		return unlock(ctx, on, subject)
	}
	owner, err := isOwner(ctx, on, subject)
	if err != nil {
		return err
	}
	if err := changeAccount(ctx, on, subject, now, disable, subject, now.UnixMicro()); err != nil {
		return err
	}
	if err := removeSources(ctx, on, subject); err != nil {
		return err
	}
	return keepOwner(ctx, on, owner)
}

// endConcurrent ends the sessions and grants of a subject that were created while the
// transaction of a change waited or was being committed. Their times are later than the
// change, which could not see them. The caller calls it after the commit. It also ends
// a sign-in between commit and call; the user signs in again.
func (s *Accounts) endConcurrent(ctx context.Context, subject string, now time.Time) error {
	const revoke = `
		UPDATE grants SET revoked_at = $2, revoked_why = $3
		WHERE subject = $1 AND revoked_at IS NULL`

	err := s.db.Tx(ctx, func(c db.Conn) error {
		_, err := removeSessions(ctx, c, subject, now)
		return err
	})
	if err != nil {
		return err
	}
	if _, err := s.db.LongWrite.Exec(ctx, revoke, subject, now.UnixMicro(), string(grant.RevokedByLogout)); err != nil {
		return fmt.Errorf("revoke grants of account: %w", err)
	}
	return nil
}

// changeAccount runs the statement change, which must affect the account. Unless ends
// is zero, it ends the sessions of the account at that time and removes its data file.
func changeAccount(ctx context.Context, on db.Conn, subject string, ends time.Time, change string, args ...any) error {
	changed, err := on.Exec(ctx, change, args...)
	if err != nil {
		return fmt.Errorf("change account: %w", err)
	}
	if changed == 0 {
		return account.ErrNotFound
	}
	if ends.IsZero() {
		return nil
	}
	if _, err = removeSessions(ctx, on, subject, ends); err != nil {
		return err
	}
	return removeDataFile(ctx, on, subject)
}
