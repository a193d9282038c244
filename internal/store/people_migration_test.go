package store_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// The statements are those of the version before addresses.
const (
	insertAccount24 = `INSERT INTO accounts (subject, username, password_hash, claims, administrator, self_registered,
			disabled_at, not_before, created_at, updated_at)
		SELECT $1, $1, '', $2, $3, 0, NULL, 0, $4, $4 ON CONFLICT DO NOTHING`
	changeClaims24 = `UPDATE accounts SET claims = $2, administrator = $3, updated_at = $4 WHERE subject = $1`
	readClaims24   = `SELECT claims, administrator FROM accounts WHERE subject = $1`
)

// people is a database that this version and the previous one use.
type people struct {
	t     *testing.T
	s     *store.Store
	older *sql.DB
}

func (p people) run(statement string, args ...any) {
	p.t.Helper()
	_, err := p.older.ExecContext(p.t.Context(), statement, args...)
	must(p.t, err)
}

func (p people) wantAddresses(subject string, want ...account.Address) {
	p.t.Helper()
	a, err := p.s.Accounts.Account(p.t.Context(), subject)
	must(p.t, err)
	wantSame(p.t, "addresses of "+subject, a.Addresses, want)
}

func primary(address string, verifiedAt time.Time) account.Address {
	return account.Address{Address: address, VerifiedAt: verifiedAt, Primary: true}
}

func TestEmailClaimsBecomeAddresses(t *testing.T) {
	t.Parallel()
	for engine, empty := range emptyURLs {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			url := empty(t)
			p := people{t: t, s: storetest.Open(t, url), older: migrateTo(t, engine, url, 24)}
			at := noon.Add(-24 * time.Hour)
			for subject, claims := range map[string]string{
				"none": `{"name": "x"}`, "nothing": `null`, "open": `{"email": "Open@Example.COM", "email_verified": false}`,
				"alice": `{"email": "a@example.com", "email_verified": true}`, "umlaut": `{"email": "ü@BÜCHER.example", "email_verified": true}`,
				"copy": `{"name": "Copy", "email": "A@EXAMPLE.com", "email_verified": true}`, "invalid": `{"email": "not an address"}`,
				"number": `{"email": 5}`,
			} {
				created := at
				if subject == "copy" {
					created = noon // later than alice
				}
				p.run(insertAccount24, subject, claims, 0, created.UnixMicro())
			}
			_, err := p.s.Migrate(t.Context())
			must(t, err)
			p.wantAddresses("none")
			p.wantAddresses("nothing")
			p.wantAddresses("invalid")
			p.wantAddresses("number")
			p.wantAddresses("open", primary("Open@Example.COM", time.Time{}))
			p.wantAddresses("alice", primary("a@example.com", at))
			p.wantAddresses("umlaut", primary("ü@BÜCHER.example", at))
			p.wantAddresses("copy", primary("A@EXAMPLE.com", time.Time{}))
			duplicate, err := p.s.Accounts.Account(t.Context(), "copy")
			must(t, err)
			if duplicate.Claims["email_verified"] != false || duplicate.Claims["name"] != "Copy" {
				t.Errorf("claims of the second account with an address = %v, want it not verified", duplicate.Claims)
			}

			taken := &account.Account{Subject: "taken", Username: "taken", CreatedAt: noon, UpdatedAt: noon}
			for _, address := range []string{"Ü@xn--bcher-kva.example", "a@Example.com"} {
				must(t, taken.SetEmail(address, true, noon))
				wantErr(t, "InsertAccount with the verified address "+address, p.s.Accounts.InsertAccount(t.Context(), taken), account.ErrAddressTaken)
			}

			// An older replica adds an account, and changes and removes its address.
			p.run(insertAccount24, "bob", `{"email": "b@example.com", "email_verified": true}`, 1, noon.UnixMicro())
			p.wantAddresses("bob", primary("b@example.com", noon))
			p.run(changeClaims24, "bob", `{"email": "B@other.example"}`, 0, noon.UnixMicro())
			p.wantAddresses("bob", primary("B@other.example", time.Time{}))
			p.run(changeClaims24, "bob", `{"email": "B@other.example", "email_verified": true}`, 0, noon.UnixMicro())
			p.wantAddresses("bob", primary("B@other.example", noon))
			p.run(changeClaims24, "bob", `{"email": "a@example.com", "email_verified": true}`, 0, noon.UnixMicro())
			p.wantAddresses("bob", primary("a@example.com", time.Time{}))
			p.run(changeClaims24, "bob", `{"name": "Bob"}`, 0, noon.UnixMicro())
			p.wantAddresses("bob")
			p.run(`DELETE FROM accounts WHERE subject = $1`, "bob")
			var left int
			must(t, p.older.QueryRowContext(t.Context(), `SELECT count(*) FROM addresses WHERE subject = 'bob'`).Scan(&left))
			wantSame(t, "addresses of a deleted account", left, 0)
		})
	}
}

// An older replica reads the claims and administrators that this version writes.
func TestOlderReplicasReadAddressesAndRoles(t *testing.T) {
	t.Parallel()
	for engine, empty := range emptyURLs {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			url := empty(t)
			p := people{t: t, s: storetest.Open(t, url), older: migrateTo(t, engine, url, 24)}
			p.run(insertAccount24, "root", `{}`, 1, noon.UnixMicro())
			p.run(insertAccount24, "alice", `{"team": 7}`, 0, noon.UnixMicro())
			_, err := p.s.Migrate(t.Context())
			must(t, err)
			root, err := p.s.Accounts.Account(t.Context(), "root")
			must(t, err)
			wantSame(t, "role of an administrator", root.AdminRole, account.Owner)

			for role, administrator := range map[account.AdminRole]int{account.Owner: 1, account.Support: 0, account.NoAdminRole: 0} {
				email := fmt.Sprintf("alice-%s@example.com", role)
				_, err := p.s.Accounts.ChangeAccount(t.Context(), "alice", noon, func(a *account.Account) error {
					a.AdminRole = role
					return a.SetEmail(email, true, noon)
				})
				must(t, err)
				var claims string
				var flag int
				must(t, p.older.QueryRowContext(t.Context(), readClaims24, "alice").Scan(&claims, &flag))
				wantSame(t, "claims at an older replica", claims, `{"email":"`+email+`","email_verified":true,"team":7}`)
				wantSame(t, "administrator at an older replica, of the role "+string(role), flag, administrator)
				a, err := p.s.Accounts.Account(t.Context(), "alice")
				must(t, err)
				wantSame(t, "role", a.AdminRole, role)
			}
		})
	}
}

// Names of an older version keep working, and a collision of names stops the migration.
func TestMigrationChecksUsernames(t *testing.T) {
	t.Parallel()
	for engine, empty := range emptyURLs {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			url := empty(t)
			p := people{t: t, s: storetest.Open(t, url), older: migrateTo(t, engine, url, 24)}
			for _, name := range []string{"strasse", "a☕", "\u13a0x", "\uab70x"} {
				p.run(insertAccount24, name, `{}`, 0, noon.UnixMicro())
			}
			_, err := p.s.Migrate(t.Context())
			if err == nil || !strings.Contains(err.Error(), "\u13a0x") || !strings.Contains(err.Error(), "\uab70x") {
				t.Fatalf("Migrate with a collision = %v, want an error with both names", err)
			}
			p.run(`DELETE FROM accounts WHERE username = $1`, "\uab70x")
			_, err = p.s.Migrate(t.Context())
			must(t, err)
			for entered, want := range map[string]string{"Straße": "strasse", " A☕": "a☕", "\uab70X": "\u13a0x"} { //nolint:gocritic // a username of an external account
				a, err := p.s.Accounts.AccountBySignInName(t.Context(), entered)
				must(t, err)
				wantSame(t, "account of "+entered, a.Username, want)
			}
			taken := &account.Account{Subject: "taken", Username: "straße", CreatedAt: noon, UpdatedAt: noon}
			wantErr(t, "InsertAccount with the name of an older account", p.s.Accounts.InsertAccount(t.Context(), taken), account.ErrExists)
		})
	}
}
