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

// bucketLock lets one replica at a time make and drop partitions.
const bucketLock = migrationLock + 1

// dropPatience bounds the look for a living grant in a partition about to go.
const dropPatience = 2 * time.Minute

const partitionPrefix = "grants_b"

func partition(b grant.Bucket) string { return partitionPrefix + strconv.FormatUint(uint64(b), 10) }

// lacksBucket reports whether an INSERT found no partition for its row.
func (p *postgres) lacksBucket(err error) bool { return hasCode(err, "23514") }

// openBuckets makes the partitions of buckets that are not there. Any replica may.
func (p *postgres) openBuckets(ctx context.Context, buckets ...grant.Bucket) error {
	var missing []grant.Bucket
	for _, b := range buckets {
		var there bool
		if err := p.one(ctx, `SELECT to_regclass($1) IS NOT NULL`, partition(b)).Scan(&there); err != nil {
			return fmt.Errorf("look for partition: %w", err)
		}
		if !there {
			missing = append(missing, b)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	err := p.transact(ctx, requestPatience, func(c conn) error {
		if err := alone(ctx, c); err != nil {
			return err
		}
		for _, b := range missing {
			create := fmt.Sprintf(`CREATE TABLE IF NOT EXISTS %s PARTITION OF grants FOR VALUES IN (%d) WITH (fillfactor = 70)`, partition(b), b)
			if _, err := c.exec(ctx, create); err != nil {
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
		return false, interpretPostgres(err)
	}
	defer c.Release()

	table := pgx.Identifier{name}.Sanitize()
	err = pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
		in := pgStatements{tx}
		for _, set := range []string{`SET LOCAL statement_timeout = '100s'`, `SET LOCAL lock_timeout = '1s'`} {
			if _, err := in.exec(ctx, set); err != nil {
				return err
			}
		}
		if err := alone(ctx, in); err != nil {
			return err
		}
		var gone, alive bool
		if err := in.one(ctx, `SELECT to_regclass($1) IS NULL`, name).Scan(&gone); err != nil || gone {
			return err
		}
		living := `SELECT EXISTS (SELECT 1 FROM ` + table + ` WHERE ends_at > $1 AND revoked_at IS NULL)`
		if err := in.one(ctx, living, now.UnixMicro()).Scan(&alive); err != nil || alive {
			return err
		}
		_, err := in.exec(ctx, `DROP TABLE `+table)
		dropped = err == nil
		return err
	})
	if err != nil {
		return false, interpretPostgres(err)
	}
	return dropped, nil
}

// alone holds back other replicas until the transaction ends.
func alone(ctx context.Context, c conn) error {
	_, err := c.exec(ctx, `SELECT pg_advisory_xact_lock($1)`, bucketLock)
	return err
}
