package store

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

	"github.com/ostiary/ostiary/migrations"
)

// busyPatience is how long a statement waits for another process to finish
// writing.
const busyPatience = 3 * time.Second

// listers is how many may read at once what takes long.
const listers = 2

// sqliteEngine is the engine for one machine: one connection writes, several read.
type sqliteEngine struct {
	file    driver.Connector
	writing *sqliteWriter
	reading *sqliteReaders
	listing sqliteLister
	watch   *sqliteReaders
}

func openSQLite(ctx context.Context, path string) (*sqliteEngine, error) {
	path = strings.TrimPrefix(path, "//")
	if strings.Contains(path, "?") {
		return nil, errors.New(`sqlite: the path holds a "?": options of SQLite cannot be set, and no such file name is taken`)
	}
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
	file, err := sqliteConnector(path)
	if err != nil {
		return nil, err
	}
	forReading, err := sqliteConnector(path, "query_only(1)")
	if err != nil {
		return nil, err
	}
	write := func(ctx context.Context) (*sqliteConn, error) { return connectWriter(ctx, file) }
	read := func(ctx context.Context) (*sqliteConn, error) { return connectSQLite(ctx, forReading) }
	e := &sqliteEngine{
		file:    file,
		writing: newSQLiteWriter(write),
		reading: newSQLiteReaders(max(4, runtime.GOMAXPROCS(0)), read),
		listing: sqliteLister{newSQLiteReaders(listers, read)},
		watch:   newSQLiteReaders(1, read),
	}
	if e.writing.conn, err = write(ctx); err != nil {
		return nil, err
	}
	return e, nil
}

// keepPrivate makes the file before SQLite does, with a mode that lets nobody
// else read it. Its journals get the same.
func keepPrivate(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator names it
	if err != nil {
		return fmt.Errorf("make the file: %w", err)
	}
	err = file.Chmod(0o600)
	if errors.Is(err, fs.ErrPermission) {
		err = nil // it is somebody else's, who lets this process write and decides who else may
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("make the file private: %w", err)
	}
	return nil
}

func sqliteConnector(path string, pragmas ...string) (driver.Connector, error) {
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
	connector, err := sqlite.NewConnector(name.String())
	if err != nil {
		return nil, fmt.Errorf("name the file: %w", err)
	}
	return connector, nil
}

func (e *sqliteEngine) name() string   { return migrations.SQLite }
func (e *sqliteEngine) reader() runner { return e.reading }
func (e *sqliteEngine) writer() runner { return e.writing }
func (e *sqliteEngine) lister() runner { return e.listing }

// aside is the writer too: what may take long holds everybody up in any case, and
// does it for less if it waits for the disk together with them.
func (e *sqliteEngine) aside() runner { return e.writing }

func (e *sqliteEngine) watchers() (reader, writer runner) { return e.watch, e.writing }

func (e *sqliteEngine) close() {
	e.watch.close()
	e.listing.close()
	e.reading.close()
	e.writing.close()
}

func (e *sqliteEngine) setUpRole(context.Context) error { return nil }

func (e *sqliteEngine) missingRights(context.Context) ([]string, error) { return nil, nil }

func (e *sqliteEngine) schemaVersion(ctx context.Context) (version int64, err error) {
	const exists = `SELECT count(*) FROM sqlite_master WHERE name = 'goose_db_version'`
	var tables int64
	on := conn{e.reading}
	if err := on.one(ctx, exists).Scan(&tables); err != nil || tables == 0 {
		return 0, err
	}
	err = on.one(ctx, newestStep).Scan(&version)
	return version, err
}

// migrating opens a connection of its own, which waits for the others as another
// process does.
func (e *sqliteEngine) migrating(_ context.Context, use func(*sql.DB, goose.Dialect, ...goose.ProviderOption) error) error {
	db := sql.OpenDB(e.file)
	defer db.Close() //nolint:errcheck // nothing is pending
	db.SetMaxOpenConns(1)

	return use(db, goose.DialectSQLite3)
}

// connections returns nothing: there is no pool.
func (e *sqliteEngine) connections() Connections { return Connections{} }
