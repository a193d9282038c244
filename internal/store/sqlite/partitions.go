package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/store/db"
)

// InPartition implements [db.Partitioner].
func (e *Engine) InPartition(_ grant.Partition, statement string) string { return statement }

// InPartitions implements [db.Partitioner].
func (e *Engine) InPartitions(_ []grant.Partition, statement string) string { return statement }

// PartitionsBetween implements [db.Partitioner].
func (e *Engine) PartitionsBetween(context.Context, db.Conn, time.Time, time.Time) ([]grant.Partition, error) {
	return nil, nil
}

// CreatePartitions implements [db.Partitioner].
func (e *Engine) CreatePartitions(context.Context, ...grant.Partition) error { return nil }

// IsMissingPartition implements [db.Partitioner].
func (e *Engine) IsMissingPartition(error) bool { return false }

// DropPartitions implements [db.Partitioner].
func (e *Engine) DropPartitions(context.Context, time.Time, func(grant.Partition) bool) (int, error) {
	return 0, nil
}

// PurgedPartitions implements [db.Partitioner]. It lists all that contain grants, with one
// index lookup for each.
func (e *Engine) PurgedPartitions(ctx context.Context, _ time.Time) (list []grant.Partition, err error) {
	const next = `SELECT bucket FROM grants WHERE bucket > $1 ORDER BY bucket LIMIT 1`

	last := int64(-1)
	for {
		err := db.Conn{Runner: e.reading}.QueryRow(ctx, next, last).Scan(&last)
		if errors.Is(err, sql.ErrNoRows) {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		list = append(list, grant.Partition(last)) //nolint:gosec // the column stores a Partition
	}
}
