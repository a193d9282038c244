package storetest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
	"modernc.org/sqlite"               // and the driver sqlite
	sqlite3 "modernc.org/sqlite/lib"
)

// Everything returns all data of the database at url, as an attacker with a copy would read it:
// the files of SQLite, or every row of PostgreSQL as text.
func Everything(tb testing.TB, url string) []byte {
	tb.Helper()
	if path, isSQLite := strings.CutPrefix(url, "sqlite:"); isSQLite {
		return everyFile(tb, path)
	}
	var everything bytes.Buffer
	outside(tb, url, func(ctx context.Context, conn *sql.Conn) error {
		const tables = `
			SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname)
			FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')`
		names, err := texts(ctx, conn, tables)
		if err != nil {
			return err
		}
		for _, name := range names {
			rows, err := texts(ctx, conn, `SELECT t::text FROM `+name+` t`)
			if err != nil {
				return err
			}
			everything.WriteString(name + "\n" + strings.Join(rows, "\n") + "\n")
		}
		return nil
	})
	return everything.Bytes()
}

func everyFile(tb testing.TB, path string) []byte {
	tb.Helper()
	var everything []byte
	for _, suffix := range []string{"", "-wal", "-shm"} {
		content, err := os.ReadFile(path + suffix) //nolint:gosec // the path is from the test
		if err != nil && (suffix == "" || !errors.Is(err, os.ErrNotExist)) {
			tb.Fatal(err)
		}
		everything = append(everything, content...)
	}
	return everything
}

// HoldKeys locks the signing keys in the database at url against changes while act runs. Reading
// them succeeds.
func HoldKeys(tb testing.TB, url string, act func()) {
	tb.Helper()
	hold(tb, url, `UPDATE key_state SET version = version`, act)
}

// HoldGrants locks all grants against changes while act runs.
func HoldGrants(tb testing.TB, url string, act func()) {
	tb.Helper()
	hold(tb, url, `UPDATE grants SET revoked_at = revoked_at`, act)
}

// hold runs the statement change in a transaction, calls act, and commits.
func hold(tb testing.TB, url, change string, act func()) {
	tb.Helper()
	outside(tb, url, func(ctx context.Context, conn *sql.Conn) error {
		if _, err := conn.ExecContext(ctx, `BEGIN`); err != nil {
			return err
		}
		if _, err := conn.ExecContext(ctx, change); err != nil {
			return err
		}
		act()
		_, err := conn.ExecContext(ctx, `COMMIT`)
		return err
	})
}

// Exec runs a statement in the database at url.
func Exec(tb testing.TB, url, statement string) {
	tb.Helper()
	outside(tb, url, func(ctx context.Context, conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, statement)
		return err
	})
}

// Text returns the only column of the first row of a query, "" if there is no row.
func Text(tb testing.TB, url, query string) (text string) {
	tb.Helper()
	outside(tb, url, func(ctx context.Context, conn *sql.Conn) error {
		found, err := texts(ctx, conn, query)
		if len(found) > 0 {
			text = found[0]
		}
		return err
	})
	return text
}

// InTransaction reports whether a process has a transaction open that writes to the
// database at url.
func InTransaction(tb testing.TB, url string) (open bool) {
	tb.Helper()
	if !strings.HasPrefix(url, "sqlite:") {
		const query = `SELECT CAST(count(*) AS text) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xid IS NOT NULL`
		return Text(tb, url, query) != "0"
	}
	outside(tb, url, func(ctx context.Context, conn *sql.Conn) error {
		if _, err := conn.ExecContext(ctx, `PRAGMA busy_timeout = 0`); err != nil {
			return err
		}
		_, err := conn.ExecContext(ctx, `BEGIN IMMEDIATE`)
		if failure, ok := errors.AsType[*sqlite.Error](err); ok && failure.Code() == sqlite3.SQLITE_BUSY {
			open = true
			return nil
		}
		if err != nil {
			return err
		}
		_, err = conn.ExecContext(ctx, `ROLLBACK`)
		return err
	})
	return open
}

// outside calls act with a database connection that bypasses the store.
func outside(tb testing.TB, url string, act func(context.Context, *sql.Conn) error) {
	tb.Helper()
	driver, source := "pgx", url
	if path, isSQLite := strings.CutPrefix(url, "sqlite:"); isSQLite {
		driver, source = "sqlite", "file:"+path+"?_pragma=busy_timeout(3000)"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()                           //nolint:errcheck // after Commit it does nothing
	ctx := context.WithoutCancel(tb.Context()) // also while the test cleans up
	conn, err := db.Conn(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // closed with db
	if err := act(ctx, conn); err != nil {
		tb.Fatal(err)
	}
}

// texts returns the only column of all rows.
func texts(ctx context.Context, conn *sql.Conn, query string) (all []string, err error) {
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err reports errors
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}
