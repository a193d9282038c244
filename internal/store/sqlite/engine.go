// Package sqlite is the database engine for one machine: one connection writes,
// several read.
package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"

	"github.com/ostiary/ostiary/internal/store/db"
)

// busyTimeout bounds the wait for another process that is writing.
const busyTimeout = 3 * time.Second

// longReaders is the number of reads that may take long at the same time.
const longReaders = 2

// Engine is a SQLite database file.
type Engine struct {
	file        driver.Connector
	writing     *writer
	reading     *readers
	longReading longReader
	watching    *readers
}

// Open opens the file, and creates it if it does not exist.
func Open(ctx context.Context, path string) (*Engine, error) {
	path = strings.TrimPrefix(path, "//")
	if strings.Contains(path, "?") {
		return nil, errors.New(`sqlite: the path contains a "?": options of SQLite cannot be set, and file names with a "?" are not supported`)
	}
	if path == "" || strings.HasPrefix(path, ":memory:") {
		return nil, errors.New("sqlite: needs the path of a file")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find the file: %w", err)
	}
	if err := createPrivate(path); err != nil {
		return nil, err
	}
	file, err := newConnector(path)
	if err != nil {
		return nil, err
	}
	readOnly, err := newConnector(path, "query_only(1)")
	if err != nil {
		return nil, err
	}
	write := func(ctx context.Context) (*conn, error) { return connectWriter(ctx, file) }
	read := func(ctx context.Context) (*conn, error) { return connect(ctx, readOnly) }
	e := &Engine{
		file:        file,
		writing:     newWriter(write),
		reading:     newReaders(max(4, runtime.GOMAXPROCS(0)), read),
		longReading: longReader{newReaders(longReaders, read)},
		watching:    newReaders(1, read),
	}
	if e.writing.conn, err = write(ctx); err != nil {
		return nil, err
	}
	return e, nil
}

// createPrivate creates the file before SQLite does, with a mode that allows only its
// owner to read it. SQLite gives its journals the same mode.
func createPrivate(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the path is configuration
	if err != nil {
		return fmt.Errorf("make the file: %w", err)
	}
	err = file.Chmod(0o600)
	if errors.Is(err, fs.ErrPermission) {
		err = nil // another user owns the file and decides who may read it
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("make the file private: %w", err)
	}
	return nil
}

func newConnector(path string, pragmas ...string) (driver.Connector, error) {
	pragmas = append([]string{
		fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()),
		"journal_mode(WAL)",
		"synchronous(FULL)",
		"foreign_keys(1)",
	}, pragmas...)
	name := url.URL{
		Scheme:   "file",
		Path:     path,
		RawQuery: url.Values{"_txlock": {"immediate"}, "_pragma": pragmas}.Encode(),
	}
	connector, err := sqlite.NewConnector(name.String())
	if err != nil {
		return nil, fmt.Errorf("name the file: %w", err)
	}
	return connector, nil
}

// Name implements [db.Engine].
func (e *Engine) Name() string { return "sqlite" }

// Close implements [db.Engine].
func (e *Engine) Close() {
	e.watching.close()
	e.longReading.close()
	e.reading.close()
	e.writing.close()
}

// Connections implements [db.Engine]. SQLite has no pool.
func (e *Engine) Connections() db.Connections { return db.Connections{} }

// Reader implements [db.Engine].
func (e *Engine) Reader() db.Runner { return e.reading }

// Writer implements [db.Engine].
func (e *Engine) Writer() db.Runner { return e.writing }

// LongReader implements [db.Engine].
func (e *Engine) LongReader() db.Runner { return e.longReading }

// LongWriter implements [db.Engine]. It is the same as Writer: a long write delays all
// others in any case, and less if it shares their commit.
func (e *Engine) LongWriter() db.Runner { return e.writing }

// Watchers implements [db.Engine].
func (e *Engine) Watchers() (reader, writer db.Runner) { return e.watching, e.writing }

// SetRoleDefaults implements [db.Engine]. SQLite has no roles.
func (e *Engine) SetRoleDefaults(context.Context) error { return nil }

// MissingRights implements [db.Engine]. SQLite has no roles.
func (e *Engine) MissingRights(context.Context) ([]string, error) { return nil, nil }

// SchemaVersion implements [db.Engine].
func (e *Engine) SchemaVersion(ctx context.Context) (version int64, err error) {
	const exists = `SELECT count(*) FROM sqlite_master WHERE name = 'goose_db_version'`
	var tables int64
	on := db.Conn{Runner: e.reading}
	if err := on.QueryRow(ctx, exists).Scan(&tables); err != nil || tables == 0 {
		return 0, err
	}
	err = on.QueryRow(ctx, db.NewestStep).Scan(&version)
	return version, err
}

// WithMigrator implements [db.Engine]. It opens a separate connection, which waits for the
// others as another process does.
func (e *Engine) WithMigrator(_ context.Context, use func(*sql.DB, goose.Dialect, ...goose.ProviderOption) error) error {
	migrator := sql.OpenDB(e.file)
	defer migrator.Close() //nolint:errcheck // nothing is pending
	migrator.SetMaxOpenConns(1)

	return use(migrator, goose.DialectSQLite3)
}
