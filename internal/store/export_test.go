package store

import (
	"context"
	"fmt"
	"strings"
)

// Pragma reads a setting of the connection that writes.
func Pragma(ctx context.Context, url, name string) (string, error) {
	e, err := openSQLite(ctx, strings.TrimPrefix(url, "sqlite:"))
	if err != nil {
		return "", err
	}
	defer e.close()
	var value any
	err = e.writing.one(ctx, `PRAGMA `+name).Scan(&value)
	return fmt.Sprint(value), err
}

// Sizes tells how much there is of what a purge removes.
type Sizes struct{ Grants, Partitions, Rows int64 }

// Sizes counts all rows.
func (s *Store) Sizes(ctx context.Context) (z Sizes, err error) {
	const grants = `SELECT count(*) FROM grants`
	const rows = `
		SELECT (SELECT count(*) FROM setup_links) + (SELECT count(*) FROM sessions) + (SELECT count(*) FROM consents)
			+ (SELECT count(*) FROM requests) + (SELECT count(*) FROM revoked_tokens) + (SELECT count(*) FROM replay)
			+ (SELECT count(*) FROM guesses)`
	const partitions = `SELECT count(*) FROM pg_inherits WHERE inhparent = to_regclass('grants')`

	if err := s.read.one(ctx, grants).Scan(&z.Grants); err != nil {
		return z, err
	}
	if s.Engine() == "postgres" {
		if err := s.read.one(ctx, partitions).Scan(&z.Partitions); err != nil {
			return z, err
		}
	}
	err = s.read.one(ctx, rows).Scan(&z.Rows)
	return z, err
}
