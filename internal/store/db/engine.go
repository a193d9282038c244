package db

import (
	"context"
	"database/sql"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/ostiary/ostiary/internal/grant"
)

// Engine is a database system. The store runs the same SQL text on every engine;
// this interface has what differs.
type Engine interface {
	// Name returns "postgres" or "sqlite".
	Name() string
	Connections() Connections
	Close()

	// Reader runs short statements on committed data.
	Reader() Runner
	// Writer runs short statements that find their rows by key.
	Writer() Runner
	// LongReader runs reads that may take long, so that requests do not wait for them.
	LongReader() Runner
	// LongWriter does the same for writes.
	LongWriter() Runner
	// Watchers run short statements of the process itself. They do not queue behind
	// the statements of requests.
	Watchers() (reader, writer Runner)
	// Transact runs act in one transaction. It commits if act returns nil within
	// timeout. It may run act again after a conflict with another transaction.
	Transact(ctx context.Context, timeout time.Duration, act func(Conn) error) error
	// Batch runs statements in one transaction: all of them are committed, or none is. No
	// statement sees the result of an earlier one except in the database. On PostgreSQL they
	// take one round trip, which other callers may share.
	Batch(ctx context.Context, statements ...Statement) error

	Partitioner

	// SetRoleDefaults gives the serving role the settings that connections need, as far
	// as its rights allow.
	SetRoleDefaults(ctx context.Context) error
	// MissingRights names the rights that the serving role lacks.
	MissingRights(ctx context.Context) ([]string, error)

	// SchemaVersion returns the newest applied step of the schema, 0 for an empty
	// database.
	SchemaVersion(ctx context.Context) (int64, error)
	// WithMigrator runs use with a connection for goose.
	WithMigrator(ctx context.Context, use func(*sql.DB, goose.Dialect, ...goose.ProviderOption) error) error
	// IsNullViolation reports whether a write failed because a value was NULL.
	IsNullViolation(err error) bool
	// IsForeignKeyViolation reports whether a write failed because the row that it
	// refers to does not exist.
	IsForeignKeyViolation(err error) bool
}

// Partitioner manages the partitions of the table grants. An engine
// without partitions leaves statements unchanged.
type Partitioner interface {
	// InPartition restricts a statement with the condition bucket = $1 to one partition,
	// which is also the first argument of the statement.
	InPartition(p grant.Partition, statement string) string
	// InPartitions restricts a statement that ends in conditions to partitions; an empty
	// list means all.
	InPartitions(partitions []grant.Partition, statement string) string
	// PartitionsBetween lists the partitions of grants created between two times that may
	// contain grants. It returns nil if grants are not partitioned.
	PartitionsBetween(ctx context.Context, on Conn, from, to time.Time) ([]grant.Partition, error)
	// CreatePartitions creates the partitions that do not exist yet.
	CreatePartitions(ctx context.Context, partitions ...grant.Partition) error
	// IsMissingPartition reports whether an insert failed because CreatePartitions was
	// not called.
	IsMissingPartition(err error) bool
	// DropPartitions drops the partitions for which closed returns true and in which no
	// grant is alive, and returns their number.
	DropPartitions(ctx context.Context, now time.Time, closed func(grant.Partition) bool) (dropped int, err error)
	// PurgedPartitions lists, in order, the partitions whose grants are deleted one by one.
	PurgedPartitions(ctx context.Context, now time.Time) ([]grant.Partition, error)
}

// Connections are the connections of the pool; all zero if there is no pool.
type Connections struct{ Max, InUse, Idle int }

// NewestStep reads the newest applied step of the schema.
const NewestStep = `SELECT max(version_id) FROM goose_db_version`
