package store

import (
	"context"
	"database/sql"
	"sync/atomic"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/ostiary/ostiary/internal/grant"
)

// runner runs statements, each by itself or all in one transaction. It returns every
// failure of the database as [unavailable].
type runner interface {
	// exec returns how many rows were affected.
	exec(ctx context.Context, statement string, args ...any) (int64, error)
	// each calls visit for every row.
	each(ctx context.Context, visit func(scanner) error, statement string, args ...any) error
}

// conn is what the store runs its statements on.
type conn struct{ runner }

// one returns the one row of a statement, which runs when it is scanned. Scanning
// returns sql.ErrNoRows for a row that is not there.
func (c conn) one(ctx context.Context, statement string, args ...any) row {
	return func(dest ...any) error {
		found := false
		err := c.each(ctx, func(s scanner) error {
			found = true
			return s.Scan(dest...)
		}, statement, args...)
		if err == nil && !found {
			return sql.ErrNoRows
		}
		return err
	}
}

// engine is what the two databases do in their own ways.
type engine interface {
	name() string
	connections() Connections
	reader() runner // of committed data
	writer() runner
	lister() runner // both once more, for what may take long
	aside() runner
	// watchers are for short statements of the process's own, however many requests
	// wait for theirs.
	watchers() (reader, writer runner)
	// transact runs act in one transaction, which is committed if act returns nil
	// within patience. It may run act again after a conflict with another one.
	transact(ctx context.Context, patience time.Duration, act func(conn) error) error

	// within confines a statement with the condition bucket = $1 to one bucket, which
	// is also its first argument.
	within(b grant.Partition, statement string) string
	// bucketsBetween lists the buckets of grants made between two times that can hold
	// grants. It returns nil where grants are not partitioned.
	bucketsBetween(ctx context.Context, on conn, from, to time.Time) ([]grant.Partition, error)
	// among does so with a statement that ends in conditions, and several buckets, or
	// all if there are none.
	among(buckets []grant.Partition, statement string) string
	// openBuckets makes room for the grants of buckets.
	openBuckets(ctx context.Context, buckets ...grant.Partition) error
	// lacksBucket reports whether err says that openBuckets was not called.
	lacksBucket(err error) bool
	// lacksReferenced reports whether err says that the row is gone which another one
	// refers to.
	lacksReferenced(err error) bool
	// dropBuckets removes all grants of the buckets that are closed and hold nothing
	// alive, where there is a way to do it at once.
	dropBuckets(ctx context.Context, now time.Time, closed func(grant.Partition) bool, p *Purged) error
	// sweptBuckets lists, in order, those whose grants are removed one by one.
	sweptBuckets(ctx context.Context, now time.Time) ([]grant.Partition, error)

	// setUpRole gives the serving role the settings that connections need, as far as it
	// may be.
	setUpRole(ctx context.Context) error
	// missingRights names what the serving role may not do.
	missingRights(ctx context.Context) ([]string, error)

	// schemaVersion returns the newest step of the schema, 0 if there is none.
	schemaVersion(ctx context.Context) (int64, error)
	// migrating lends the database to goose.
	migrating(ctx context.Context, use func(*sql.DB, goose.Dialect, ...goose.ProviderOption) error) error

	close()
}

type scanner interface {
	Scan(dest ...any) error
}

// row scans what a statement returns.
type row func(dest ...any) error

// Scan runs the statement of the row and copies its columns.
func (r row) Scan(dest ...any) error { return r(dest...) }

// counted counts the statements that pass through it.
type counted struct {
	runner
	statements *atomic.Int64
}

func (c counted) exec(ctx context.Context, statement string, args ...any) (int64, error) {
	c.statements.Add(1)
	return c.runner.exec(ctx, statement, args...)
}

func (c counted) each(ctx context.Context, visit func(scanner) error, statement string, args ...any) error {
	c.statements.Add(1)
	return c.runner.each(ctx, visit, statement, args...)
}
