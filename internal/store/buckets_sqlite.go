package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
)

func (e *sqliteEngine) within(_ grant.Partition, statement string) string { return statement }

func (e *sqliteEngine) bucketsBetween(context.Context, conn, time.Time, time.Time) ([]grant.Partition, error) {
	return nil, nil
}

func (e *sqliteEngine) among(_ []grant.Partition, statement string) string { return statement }

func (e *sqliteEngine) openBuckets(context.Context, ...grant.Partition) error { return nil }

func (e *sqliteEngine) lacksBucket(error) bool { return false }

func (e *sqliteEngine) dropBuckets(context.Context, time.Time, func(grant.Partition) bool, *Purged) error {
	return nil
}

// sweptBuckets lists those that hold grants, by leaps from one to the next.
func (e *sqliteEngine) sweptBuckets(ctx context.Context, _ time.Time) (list []grant.Partition, err error) {
	const next = `SELECT bucket FROM grants WHERE bucket > $1 ORDER BY bucket LIMIT 1`

	last := int64(-1)
	for {
		err := conn{e.reading}.one(ctx, next, last).Scan(&last)
		if errors.Is(err, sql.ErrNoRows) {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		list = append(list, grant.Partition(last)) //nolint:gosec // it was written from one
	}
}
