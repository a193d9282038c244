package pgserver

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Migrate migrates the empty database at a URL to the newest schema. It closes its
// connections before it returns.
type Migrate func(ctx context.Context, databaseURL string) error

// Databases creates and drops databases on one server, over connections that it keeps:
// to open one takes the server 4 ms.
type Databases struct {
	server    *url.URL // without a database
	pool      *pgxpool.Pool
	templates sync.Map // names of templates that exist
}

// Connect returns the databases of the server at serverURL.
func Connect(ctx context.Context, serverURL string) (*Databases, error) {
	server, _, err := split(serverURL)
	if err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(serverURL)
	if err != nil {
		return nil, fmt.Errorf("read the PostgreSQL URL: %w", err)
	}
	config.MaxConns = 4
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	return &Databases{server: server, pool: pool}, nil
}

// Close closes the connections.
func (d *Databases) Close() { d.pool.Close() }

// Create creates an empty database and returns its URL.
func (d *Databases) Create(ctx context.Context) (string, error) {
	return d.copyOf(ctx, "template1")
}

// CreateMigrated creates a database with the current schema and returns its URL.
//
// It copies a template, which the first call with a fingerprint creates by migrate, in
// any process. The template stays on the server, so the fingerprint must change with
// the schema.
func (d *Databases) CreateMigrated(ctx context.Context, fingerprint string, migrate Migrate) (string, error) {
	hash := sha256.Sum256([]byte(fingerprint))
	template := fmt.Sprintf("ostiary_template_%x", hash[:8])
	if _, exists := d.templates.Load(template); !exists {
		if err := d.createTemplate(ctx, template, migrate); err != nil {
			return "", fmt.Errorf("prepare the template: %w", err)
		}
		d.templates.Store(template, true)
	}
	return d.copyOf(ctx, template)
}

// Drop closes all connections to a database and removes it.
func (d *Databases) Drop(ctx context.Context, databaseURL string) error {
	_, database, err := split(databaseURL)
	if err != nil {
		return err
	}
	return d.on(ctx, func(conn *pgx.Conn) error {
		return run(ctx, conn, "DROP DATABASE IF EXISTS %s WITH (FORCE)", database)
	})
}

// createTemplate creates the template unless it exists. It is renamed to its name last,
// so a template with that name is complete. An advisory lock lets one caller at a time
// create it.
func (d *Databases) createTemplate(ctx context.Context, template string, migrate Migrate) error {
	return d.on(ctx, func(conn *pgx.Conn) (err error) {
		if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock(hashtext($1))`, template); err != nil {
			return fmt.Errorf("wait for the lock of the template: %w", err)
		}
		defer func() {
			_, unlock := conn.Exec(ctx, `SELECT pg_advisory_unlock(hashtext($1))`, template)
			err = errors.Join(err, unlock)
		}()
		const query = `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`
		var exists bool
		if err := conn.QueryRow(ctx, query, template).Scan(&exists); err != nil || exists {
			return err
		}

		draft := template + "_draft"
		if err := run(ctx, conn, "DROP DATABASE IF EXISTS %s WITH (FORCE)", draft); err != nil {
			return err
		}
		if err := create(ctx, conn, draft, "template1"); err != nil {
			return err
		}
		if err := migrate(ctx, d.url(draft)); err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		if err := warm(ctx, d.url(draft)); err != nil {
			return err
		}
		return run(ctx, conn, "ALTER DATABASE %s RENAME TO %s", draft, template)
	})
}

// warm connects to a database, after which it has the file of its catalogue that a first
// connection to each copy would take 10 ms to make.
func warm(ctx context.Context, databaseURL string) error {
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return fmt.Errorf("connect to the template: %w", err)
	}
	return conn.Close(ctx)
}

// copyOf creates a database with a random name from a template.
func (d *Databases) copyOf(ctx context.Context, template string) (string, error) {
	name := "ostiary_" + strings.ToLower(rand.Text())
	err := d.on(ctx, func(conn *pgx.Conn) error { return create(ctx, conn, name, template) })
	if err != nil {
		return "", err
	}
	return d.url(name), nil
}

func (d *Databases) url(database string) string { return d.server.JoinPath(database).String() }

// on calls act with a connection to the server.
func (d *Databases) on(ctx context.Context, act func(*pgx.Conn) error) error {
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer conn.Release()
	return act(conn.Conn())
}

// create creates a database from a template. Copying its files takes two thirds of the
// time that PostgreSQL 15 and newer take by default, which log every page.
func create(ctx context.Context, conn *pgx.Conn, name, template string) error {
	const strategySince = 15
	statement := "CREATE DATABASE %s TEMPLATE %s"
	major, _, _ := strings.Cut(conn.PgConn().ParameterStatus("server_version"), ".")
	if version, err := strconv.Atoi(major); err == nil && version >= strategySince {
		statement += " STRATEGY file_copy"
	}
	return run(ctx, conn, statement, name, template)
}

// split splits a URL into that of the server, without a path, and the database.
func split(databaseURL string) (*url.URL, string, error) {
	server, err := url.Parse(databaseURL)
	if err != nil {
		return nil, "", fmt.Errorf("read the PostgreSQL URL: %w", err)
	}
	if server.Scheme != "postgres" && server.Scheme != "postgresql" {
		return nil, "", errors.New("read the PostgreSQL URL: it must begin with postgres://")
	}
	database := strings.TrimPrefix(server.Path, "/")
	server.Path = "/"
	return server, database, nil
}

// run executes a statement about databases, whose names cannot be parameters.
func run(ctx context.Context, conn *pgx.Conn, statement string, databases ...string) error {
	quoted := make([]any, len(databases))
	for i, name := range databases {
		quoted[i] = pgx.Identifier{name}.Sanitize()
	}
	statement = fmt.Sprintf(statement, quoted...)
	if _, err := conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}
