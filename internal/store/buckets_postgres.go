package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ostiary/ostiary/internal/grant"
)

// One replica at a time makes partitions, and one drops them. Neither waits for
// the other: to see that a large partition is dead takes time.
const (
	makeLock = migrationLock + 1
	dropLock = migrationLock + 2
)

// dropPatience bounds the look for a living grant in a partition about to go.
const dropPatience = 2 * time.Minute

const partitionPrefix = "grants_b"

func partition(b grant.Bucket) string { return partitionPrefix + strconv.FormatUint(uint64(b), 10) }

// within names the bucket in the text. With a parameter alone the plan, which is
// made once, is for all partitions: every execution would open and lock each of them
// before it looks at the value, and that grows with their number.
func (p *postgres) within(b grant.Bucket, statement string) string {
	const condition = "bucket = $1"
	before, after, _ := strings.Cut(statement, condition)
	return before + condition + " AND bucket = " + strconv.FormatUint(uint64(b), 10) + after
}

// lacksBucket reports whether an INSERT found no partition for its row.
func (p *postgres) lacksBucket(err error) bool { return hasCode(err, "23514") }

// openBuckets makes the partitions of buckets that are not there. Any replica may.
func (p *postgres) openBuckets(ctx context.Context, buckets ...grant.Bucket) error {
	missing, err := lacking(ctx, p, buckets)
	if err != nil || len(missing) == 0 {
		return err
	}
	err = p.transact(ctx, requestPatience, func(c conn) error {
		if err := alone(ctx, c, makeLock); err != nil {
			return err
		}
		// Another replica may have been here first.
		missing, err := lacking(ctx, c, missing)
		if err != nil {
			return err
		}
		for _, b := range missing {
			if err := makePartition(ctx, c, b); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("make partition: %w", err)
	}
	return nil
}

// lacking returns those of the buckets that have no partition.
func lacking(ctx context.Context, on conn, buckets []grant.Bucket) (missing []grant.Bucket, err error) {
	for _, b := range buckets {
		there, err := attached(ctx, on, partition(b))
		if err != nil {
			return nil, err
		}
		if !there {
			missing = append(missing, b)
		}
	}
	return missing, nil
}

// attached reports whether there is a partition of that name. It reads the rows of
// the catalog: to_regclass may answer out of what this connection remembers from
// before it waited for another replica.
func attached(ctx context.Context, on conn, name string) (there bool, err error) {
	const look = `
		SELECT EXISTS (SELECT 1 FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
			WHERE i.inhparent = to_regclass('grants') AND c.relname = $1)`

	if err := on.one(ctx, look, name).Scan(&there); err != nil {
		return false, fmt.Errorf("look for partition: %w", err)
	}
	return there, nil
}

// makePartition makes a table like grants and attaches it. To make it as a partition
// from the first would be one statement, but one that must have grants to itself: it
// would wait for every transaction under way, and all others for it.
func makePartition(ctx context.Context, c conn, b grant.Bucket) error {
	name := partition(b)
	for _, statement := range []string{
		`SET LOCAL lock_timeout = '1s'`,
		fmt.Sprintf(`CREATE TABLE %s (LIKE grants INCLUDING ALL) WITH (fillfactor = 70)`, name),
		fmt.Sprintf(`ALTER TABLE grants ATTACH PARTITION %s FOR VALUES IN (%d)`, name, b),
	} {
		if _, err := c.exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// purgeGrants drops the partitions that are closed and hold nothing alive.
func (p *postgres) purgeGrants(ctx context.Context, now time.Time, closed func(grant.Bucket) bool, purged *Purged) error {
	const partitions = `
		SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = to_regclass('grants')`

	var names []string
	err := p.each(ctx, func(r scanner) error {
		var name string
		if err := r.Scan(&name); err != nil {
			return err
		}
		number, err := strconv.ParseUint(strings.TrimPrefix(name, partitionPrefix), 10, 32)
		if err == nil && closed(grant.Bucket(number)) {
			names = append(names, name)
		}
		return nil
	}, partitions)
	if err != nil {
		return fmt.Errorf("list partitions: %w", err)
	}
	for _, name := range names {
		dropped, err := p.dropPartition(ctx, name, now)
		if err != nil {
			return fmt.Errorf("drop partition %s: %w", name, err)
		}
		if dropped {
			purged.Partitions++
		}
	}
	return nil
}

// dropPartition takes a lock on all of grants for a moment, so it would rather
// give up than stand in a queue in front of everybody else.
func (p *postgres) dropPartition(ctx context.Context, name string, now time.Time) (dropped bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, dropPatience)
	defer cancel()
	c, err := p.pool.Acquire(ctx)
	if err != nil {
		return false, &unavailable{err}
	}
	defer c.Release()

	table := pgx.Identifier{name}.Sanitize()
	err = pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
		in := pgStatements{tx, c.Conn()}
		for _, set := range []string{`SET LOCAL statement_timeout = '100s'`, `SET LOCAL lock_timeout = '1s'`} {
			if _, err := in.exec(ctx, set); err != nil {
				return err
			}
		}
		if err := alone(ctx, in, dropLock); err != nil {
			return err
		}
		there, err := attached(ctx, in, name)
		if err != nil || !there {
			return err
		}
		var alive bool
		living := `SELECT EXISTS (SELECT 1 FROM ` + table + ` WHERE ends_at > $1 AND revoked_at IS NULL)`
		if err := in.one(ctx, living, now.UnixMicro()).Scan(&alive); err != nil || alive {
			return err
		}
		_, err = in.exec(ctx, `DROP TABLE `+table)
		dropped = err == nil
		return err
	})
	if err != nil {
		return false, interpretPostgres(c.Conn(), err)
	}
	return dropped, nil
}

// alone holds back other replicas until the transaction ends.
func alone(ctx context.Context, c conn, lock int64) error {
	_, err := c.exec(ctx, `SELECT pg_advisory_xact_lock($1)`, lock)
	return err
}
