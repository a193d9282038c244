package store_test

import (
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
	"github.com/ostiary/ostiary/migrations"
)

// migrateTo applies the steps of the schema up to version.
func migrateTo(t *testing.T, engine, url string, version int64) *sql.DB {
	t.Helper()
	driver := "pgx"
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		driver, url = "sqlite", path+"?_pragma=foreign_keys(1)"
	}
	db, err := sql.Open(driver, url)
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	dialect := map[string]goose.Dialect{"sqlite": goose.DialectSQLite3, "postgres": goose.DialectPostgres}[engine]
	provider, err := goose.NewProvider(dialect, db, migrations.Files, goose.WithExcludeNames(migrations.NotFor(engine)))
	must(t, err)
	_, err = provider.UpTo(t.Context(), version)
	must(t, err)
	return db
}

// digest is how the store knows the hash that a rehash replaced.
func digest(hash string) []byte {
	h := sha256.New()
	_ = binary.Write(h, binary.BigEndian, uint64(len(hash)))
	h.Write([]byte(hash))
	return h.Sum(nil)
}

// The statements are those of the version before credentials.
const (
	insertAccount23 = `INSERT INTO accounts (subject, username, password_hash, claims, administrator, self_registered,
			disabled_at, not_before, created_at, updated_at, renewed_from)
		SELECT $1, $1, $2, '{}', 0, 0, NULL, 0, $3, $3, $4 ON CONFLICT DO NOTHING`
	setPassword23 = `UPDATE accounts SET password_hash = $2, renewed_from = NULL, updated_at = $3,
			not_before = CASE WHEN not_before < $3 THEN $3 ELSE not_before END
		WHERE subject = $1`
	renewPassword23 = `UPDATE accounts SET password_hash = $3, renewed_from = coalesce(renewed_from, $4)
		WHERE subject = $1 AND password_hash = $2`
	readPassword23 = `SELECT password_hash FROM accounts WHERE subject = $1`
)

// Passwords of an older database become credentials, and replicas of the version that
// wrote it keep working until they are replaced.
func TestPasswordsBecomeCredentials(t *testing.T) {
	t.Parallel()
	for engine, empty := range emptyURLs {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			url := empty(t)
			older := migrateTo(t, engine, url, 23)
			run := func(statement string, args ...any) {
				t.Helper()
				_, err := older.ExecContext(t.Context(), statement, args...)
				must(t, err)
			}
			at := noon.Add(-24 * time.Hour)
			run(insertAccount23, "alice", "$alice", at.UnixMicro(), nil)
			run(insertAccount23, "bob", "$bob, rehashed", at.UnixMicro(), digest("$bob"))
			run(insertAccount23, "external", "", at.UnixMicro(), nil)

			s := storetest.Open(t, url)
			_, err := s.Migrate(t.Context())
			must(t, err)
			wantPassword := func(subject, hash string, createdAt time.Time) {
				t.Helper()
				a, err := s.Accounts.AccountByUsername(t.Context(), subject)
				must(t, err)
				want := &account.Account{Subject: subject}
				want.SetPassword(hash, createdAt)
				wantSame(t, "password of "+subject, a.Password, want.Password)
				var older23 string
				must(t, older.QueryRowContext(t.Context(), readPassword23, subject).Scan(&older23))
				wantSame(t, "password of "+subject+" at an older replica", older23, hash)
			}
			wantPassword("alice", "$alice", at)
			wantPassword("bob", "$bob, rehashed", at)
			wantPassword("external", "", at)
			same := &account.Account{Subject: "another", Username: "bob", Claims: map[string]any{}, UpdatedAt: noon}
			same.SetPassword("$bob", noon)
			_, updated, err := s.Accounts.ImportAccounts(t.Context(), imports(same))
			must(t, err)
			wantSame(t, "accounts updated by the hash from before the rehash", updated, 0)

			// An older replica creates an account, changes a password, removes one, and rehashes.
			run(insertAccount23, "carol", "$carol", noon.UnixMicro(), nil)
			wantPassword("carol", "$carol", noon)
			run(setPassword23, "alice", "$alice, set", noon.UnixMicro())
			wantPassword("alice", "$alice, set", noon)
			run(renewPassword23, "alice", "$alice, set", "$alice, rehashed", digest("$alice, set"))
			wantPassword("alice", "$alice, rehashed", noon)
			run(setPassword23, "external", "$external", noon.UnixMicro())
			wantPassword("external", "$external", noon)
			run(setPassword23, "external", "", noon.UnixMicro())
			wantPassword("external", "", noon)

			// This version does the same.
			dave := fixture.Account("dave")
			dave.Username = "dave"
			must(t, s.Accounts.InsertAccount(t.Context(), dave))
			wantPassword("dave", dave.PasswordHash(), dave.CreatedAt)
			must(t, s.Accounts.SetPassword(t.Context(), "dave", "$dave, set", noon))
			wantPassword("dave", "$dave, set", noon)
			done, err := s.Accounts.RenewPasswordHash(t.Context(), "dave", "$dave, set", "$dave, rehashed")
			must(t, err)
			wantSame(t, "rehashed", done, true)
			wantPassword("dave", "$dave, rehashed", noon)

			must(t, s.Accounts.DeleteAccount(t.Context(), "dave", noon))
			run(`DELETE FROM accounts WHERE subject = $1`, "carol")
			var left int
			must(t, older.QueryRowContext(t.Context(), `SELECT count(*) FROM credentials WHERE kind = $1`, string(credential.Password)).Scan(&left))
			wantSame(t, "passwords of the accounts that are left", left, 2)
		})
	}
}
