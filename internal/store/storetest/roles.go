package storetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"net/url"
	"strings"
	"testing"
)

// Superuser is the role of the URLs that tests get.
const Superuser = "postgres"

// RoleOf is a role of PostgreSQL and the URL with which it enters a database.
type RoleOf struct{ Name, URL string }

// Role makes a role for the database at address, which owns it or has no rights at all.
// It ends with the test.
func Role(tb testing.TB, address string, owns bool) RoleOf {
	tb.Helper()
	u, err := url.Parse(address)
	if err != nil {
		tb.Fatal(err)
	}
	name := "role_" + strings.ToLower(rand.Text()[:10])
	Exec(tb, address, `CREATE ROLE `+name+` LOGIN`)
	tb.Cleanup(func() {
		outside(tb, address, func(ctx context.Context, conn *sql.Conn) error {
			ctx = context.WithoutCancel(ctx)
			for _, statement := range []string{`REASSIGN OWNED BY ` + name + ` TO ` + Superuser, `DROP OWNED BY ` + name, `DROP ROLE ` + name} {
				if _, err := conn.ExecContext(ctx, statement); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if owns {
		Exec(tb, address, `ALTER DATABASE "`+strings.TrimPrefix(u.Path, "/")+`" OWNER TO `+name)
	}
	u.User = url.User(name)
	return RoleOf{name, u.String()}
}

// SetReadOnly makes the database at address reject writes, as a server that has become a standby
// does. Turned off, connections opened afterwards can write again.
func SetReadOnly(tb testing.TB, address string, on bool) {
	tb.Helper()
	u, err := url.Parse(address)
	if err != nil {
		tb.Fatal(err)
	}
	database := strings.TrimPrefix(u.Path, "/")
	statements := []string{`SET default_transaction_read_only = off`}
	if on {
		statements = append(statements, `ALTER DATABASE "`+database+`" SET default_transaction_read_only = on`,
			`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	} else {
		statements = append(statements, `ALTER DATABASE "`+database+`" RESET default_transaction_read_only`)
	}
	outside(tb, address, func(ctx context.Context, conn *sql.Conn) error {
		for _, statement := range statements {
			if _, err := conn.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
}
