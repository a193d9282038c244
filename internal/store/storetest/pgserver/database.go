package pgserver

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Migrate brings the empty database at a URL to the newest schema, and closes
// what it opened.
type Migrate func(ctx context.Context, databaseURL string) error

// Create makes an empty database on the server at serverURL and returns its URL.
func Create(ctx context.Context, serverURL string) (string, error) {
	return create(ctx, serverURL, "ostiary_"+strings.ToLower(rand.Text()), "template1")
}

// CreateMigrated is [Create] with the schema already in place, by copying a
// template. The first caller with a fingerprint, in whatever process, makes the
// template by migrate; it stays on the server for all later ones, so the
// fingerprint must change with the schema.
func CreateMigrated(ctx context.Context, serverURL, fingerprint string, migrate Migrate) (string, error) {
	hash := sha256.Sum256([]byte(fingerprint))
	template := fmt.Sprintf("ostiary_template_%x", hash[:8])

	if err := ensureTemplate(ctx, serverURL, template, migrate); err != nil {
		return "", fmt.Errorf("prepare the template: %w", err)
	}
	return create(ctx, serverURL, "ostiary_"+strings.ToLower(rand.Text()), template)
}

// Drop removes a database, cutting off whoever still uses it.
func Drop(ctx context.Context, serverURL, databaseURL string) error {
	_, database, err := split(databaseURL)
	if err != nil {
		return err
	}
	return on(ctx, serverURL, func(conn *pgx.Conn) error {
		return run(ctx, conn, "DROP DATABASE IF EXISTS %s WITH (FORCE)", database)
	})
}

// ensureTemplate makes the template unless it is there. It gets its name last,
// so that a template of that name is complete, and the lock lets one maker at a
// time try.
func ensureTemplate(ctx context.Context, serverURL, template string, migrate Migrate) error {
	return on(ctx, serverURL, func(conn *pgx.Conn) error {
		const lock = `SELECT pg_advisory_lock(hashtext($1))`
		if _, err := conn.Exec(ctx, lock, template); err != nil {
			return fmt.Errorf("wait for other makers: %w", err)
		}
		const look = `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`
		var exists bool
		if err := conn.QueryRow(ctx, look, template).Scan(&exists); err != nil || exists {
			return err
		}

		draft := template + "_draft"
		if err := run(ctx, conn, "DROP DATABASE IF EXISTS %s WITH (FORCE)", draft); err != nil {
			return err
		}
		draftURL, err := create(ctx, serverURL, draft, "template1")
		if err != nil {
			return err
		}
		if err := migrate(ctx, draftURL); err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		return run(ctx, conn, "ALTER DATABASE %s RENAME TO %s", draft, template)
	})
}

func create(ctx context.Context, serverURL, name, template string) (string, error) {
	server, _, err := split(serverURL)
	if err != nil {
		return "", err
	}
	err = on(ctx, serverURL, func(conn *pgx.Conn) error {
		return run(ctx, conn, "CREATE DATABASE %s TEMPLATE %s", name, template)
	})
	if err != nil {
		return "", err
	}
	return server.JoinPath(name).String(), nil
}

// split takes a URL apart into the server, without a path, and the database.
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

// on lends act a connection to the server.
func on(ctx context.Context, serverURL string, act func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, serverURL)
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	return errors.Join(act(conn), conn.Close(ctx))
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
