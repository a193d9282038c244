package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/ostiary/ostiary/migrations"
)

// busyPatience is how long a statement waits for another process to finish
// writing.
const busyPatience = 3 * time.Second

// sqliteEngine is the engine for one machine: one connection writes, several read.
type sqliteEngine struct {
	writing, reading *sqliteConn
}

func openSQLite(ctx context.Context, path string) (*sqliteEngine, error) {
	path, _, _ = strings.Cut(strings.TrimPrefix(path, "//"), "?")
	if path == "" || strings.HasPrefix(path, ":memory:") {
		return nil, errors.New("sqlite: needs the path of a file")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find the file: %w", err)
	}
	if err := keepPrivate(path); err != nil {
		return nil, err
	}
	writing, err := connectSQLite(path, 1)
	if err != nil {
		return nil, err
	}
	reading, err := connectSQLite(path, max(4, runtime.GOMAXPROCS(0)), "query_only(1)")
	if err != nil {
		return nil, errors.Join(err, writing.db.Close())
	}
	e := &sqliteEngine{writing, reading}
	if err := writing.firstConnection(ctx); err != nil {
		e.close()
		return nil, err
	}
	return e, nil
}

// firstConnection turns a new file to WAL. Of two processes that want to at once,
// SQLite refuses one without letting it wait, since both hold a lock that the
// other needs.
func (c *sqliteConn) firstConnection(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, busyPatience)
	defer cancel()
	for {
		_, err := c.exec(ctx, `SELECT 1`)
		answer, ok := errors.AsType[*sqlite.Error](err)
		if !ok || answer.Code()&0xff != sqlite3.SQLITE_BUSY {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// keepPrivate makes the file before SQLite does, with a mode that lets nobody
// else read it. Its journals get the same.
func keepPrivate(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator names it
	if err != nil {
		return fmt.Errorf("make the file: %w", err)
	}
	err = file.Chmod(0o600)
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("make the file private: %w", err)
	}
	return nil
}

func connectSQLite(path string, conns int, pragmas ...string) (*sqliteConn, error) {
	pragmas = append([]string{
		fmt.Sprintf("busy_timeout(%d)", busyPatience.Milliseconds()),
		"journal_mode(WAL)",
		"synchronous(FULL)",
		"foreign_keys(1)",
	}, pragmas...)
	name := url.URL{
		Scheme:   "file",
		Path:     path,
		RawQuery: url.Values{"_txlock": {"immediate"}, "_pragma": pragmas}.Encode(),
	}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, fmt.Errorf("open the file: %w", err)
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return &sqliteConn{db: db}, nil
}

func (e *sqliteEngine) name() string { return migrations.SQLite }
func (e *sqliteEngine) reader() conn { return e.reading }
func (e *sqliteEngine) writer() conn { return e.writing }
func (e *sqliteEngine) lister() conn { return e.reading }
func (e *sqliteEngine) aside() conn  { return e.writing }

func (e *sqliteEngine) close() {
	_ = e.reading.db.Close() // every acknowledged write is on disk already
	_ = e.writing.db.Close()
}

func (e *sqliteEngine) transact(ctx context.Context, patience time.Duration, act func(conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tx, err := e.writing.db.BeginTx(ctx, nil)
	if err != nil {
		return interpretSQLite(err)
	}
	if err := act(sqliteTx{tx}); err != nil {
		_ = tx.Rollback() // the error that led here says more
		return err
	}
	return interpretSQLite(tx.Commit())
}

// sqliteConn runs each statement by itself, prepared once.
type sqliteConn struct {
	db       *sql.DB
	prepared sync.Map // of statement text to *sql.Stmt
}

// prepare returns a statement that stays open for the next caller.
func (c *sqliteConn) prepare(ctx context.Context, statement string) (*sql.Stmt, error) {
	if found, ok := c.prepared.Load(statement); ok {
		return found.(*sql.Stmt), nil //nolint:forcetypeassert // nothing else is put in
	}
	made, err := c.db.PrepareContext(ctx, statement)
	if err != nil {
		return nil, err
	}
	if first, lost := c.prepared.LoadOrStore(statement, made); lost {
		_ = made.Close()              //nolint:sqlclosecheck // the other way, it stays open
		return first.(*sql.Stmt), nil //nolint:forcetypeassert // nothing else is put in
	}
	return made, nil
}

func (c *sqliteConn) exec(ctx context.Context, statement string, args ...any) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, requestPatience)
	defer cancel()
	prepared, err := c.prepare(ctx, statement) //nolint:sqlclosecheck // it stays open
	if err != nil {
		return 0, interpretSQLite(err)
	}
	return affected(prepared.ExecContext(ctx, args...))
}

func (c *sqliteConn) one(ctx context.Context, statement string, args ...any) row {
	return only(func(visit func(scanner) error) error { return c.each(ctx, visit, statement, args...) })
}

func (c *sqliteConn) each(ctx context.Context, visit func(scanner) error, statement string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, requestPatience)
	defer cancel()
	prepared, err := c.prepare(ctx, statement) //nolint:sqlclosecheck // it stays open
	if err != nil {
		return interpretSQLite(err)
	}
	rows, err := prepared.QueryContext(ctx, args...)
	return visitAll(rows, err, visit)
}

// sqliteTx runs statements in a transaction.
type sqliteTx struct{ tx *sql.Tx }

func (t sqliteTx) exec(ctx context.Context, statement string, args ...any) (int64, error) {
	return affected(t.tx.ExecContext(ctx, statement, args...))
}

func (t sqliteTx) one(ctx context.Context, statement string, args ...any) row {
	return only(func(visit func(scanner) error) error { return t.each(ctx, visit, statement, args...) })
}

func (t sqliteTx) each(ctx context.Context, visit func(scanner) error, statement string, args ...any) error {
	rows, err := t.tx.QueryContext(ctx, statement, args...)
	return visitAll(rows, err, visit)
}

func affected(result sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, interpretSQLite(err)
	}
	return result.RowsAffected()
}

// visitAll reads to the end even where one row is expected: SQLite commits a
// statement that returns rows with its last step, and says there if it could not.
func visitAll(rows *sql.Rows, err error, visit func(scanner) error) error {
	if err != nil {
		return interpretSQLite(err)
	}
	defer rows.Close() //nolint:errcheck // reading to the end closes, and Err tells
	for rows.Next() {
		if err := visit(rows); err != nil {
			return err
		}
	}
	return interpretSQLite(rows.Err())
}

// interpretSQLite tells failures of the database from its answers, and from
// mistakes of ours.
func interpretSQLite(err error) error {
	if err == nil {
		return nil
	}
	answer, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		if isCutOff(err) {
			return &unavailable{err}
		}
		return err
	}
	switch answer.Code() & 0xff {
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH,
		sqlite3.SQLITE_MISUSE, sqlite3.SQLITE_RANGE, sqlite3.SQLITE_TOOBIG:
		return err
	}
	return &unavailable{err} // busy, full, read-only, damaged, ...
}

// isCutOff reports an end that database/sql knows of: there was no more time, or
// the database was closed, for which it exports no error.
func isCutOff(err error) bool {
	for _, end := range []error{context.DeadlineExceeded, context.Canceled, sql.ErrTxDone, sql.ErrConnDone, driver.ErrBadConn} {
		if errors.Is(err, end) {
			return true
		}
	}
	return err.Error() == "sql: database is closed"
}

func (e *sqliteEngine) schemaVersion(ctx context.Context) (version int64, err error) {
	const exists = `SELECT count(*) FROM sqlite_master WHERE name = 'goose_db_version'`
	var tables int64
	if err := e.reading.one(ctx, exists).Scan(&tables); err != nil || tables == 0 {
		return 0, err
	}
	err = e.reading.one(ctx, newestStep).Scan(&version)
	return version, err
}

func (e *sqliteEngine) migrating(_ context.Context, use func(*sql.DB, goose.Dialect, ...goose.ProviderOption) error) error {
	return use(e.writing.db, goose.DialectSQLite3)
}

func (e *sqliteEngine) lacksReferenced(err error) bool {
	answer, ok := errors.AsType[*sqlite.Error](err)
	return ok && answer.Code() == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
}
