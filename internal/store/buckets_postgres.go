package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ostiary/ostiary/internal/grant"
)

// One replica at a time makes partitions, one drops them, and one looks through each:
// to see that a large partition is dead takes time. All locks end with a transaction.
const (
	makeLock = migrationLock + 1
	dropLock = migrationLock + 2
)

const (
	// dropPatience bounds the look for a living grant in a partition about to go.
	dropPatience = 2 * time.Minute
	// How often a purge tries to get the lock for dropping a partition, and when again.
	dropTries = 3
	dropPause = 300 * time.Millisecond

	lockTimeout = "55P03"
)

const partitionPrefix = "grants_b"

func partition(b grant.Partition) string { return partitionPrefix + strconv.FormatUint(uint64(b), 10) }

// within names the bucket in the text. With a parameter alone the plan, which is
// made once, is for all partitions: every execution would open and lock each of them
// before it looks at the value, and that grows with their number.
func (p *postgres) within(b grant.Partition, statement string) string {
	const condition = "bucket = $1"
	before, after, _ := strings.Cut(statement, condition)
	return before + condition + " AND bucket = " + strconv.FormatUint(uint64(b), 10) + after
}

func (p *postgres) among(buckets []grant.Partition, statement string) string {
	if len(buckets) == 0 {
		return statement
	}
	numbers := make([]string, len(buckets))
	for i, b := range buckets {
		numbers[i] = strconv.FormatUint(uint64(b), 10)
	}
	return statement + " AND bucket IN (" + strings.Join(numbers, ", ") + ")"
}

// bucketsBetween lists the partitions that exist, as on sees them. A partition stays while
// any grant in it lives, so the list needs no assumption about how long that is.
func (p *postgres) bucketsBetween(ctx context.Context, on conn, from, to time.Time) ([]grant.Partition, error) {
	list, err := partitionsOn(ctx, on, func(b grant.Partition) bool {
		return b >= grant.PartitionAt(from, b.Weekly()) && b <= grant.PartitionAt(to, b.Weekly())
	})
	if err != nil {
		return nil, err
	}
	return append([]grant.Partition{}, list...), nil // never nil, which stands for all
}

// lacksBucket reports whether an INSERT found no partition for its row.
func (p *postgres) lacksBucket(err error) bool { return hasCode(err, "23514") }

// openBuckets makes the partitions of buckets that are not there. Any replica may.
func (p *postgres) openBuckets(ctx context.Context, buckets ...grant.Partition) error {
	missing, err := lacking(ctx, conn{p}, buckets)
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
func lacking(ctx context.Context, on conn, buckets []grant.Partition) (missing []grant.Partition, err error) {
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
//
// A page keeps room for two more versions of a grant: one that is being made, and the
// one before it, which the next to come by clears away. So an update stays in its page
// in 99 of 100 cases, and room for more would only be paid for.
func makePartition(ctx context.Context, c conn, b grant.Partition) error {
	name := partition(b)
	for _, statement := range []string{
		`SET LOCAL lock_timeout = '1s'`,
		fmt.Sprintf(`CREATE TABLE %s (LIKE grants INCLUDING ALL) WITH (fillfactor = 85)`, name),
		fmt.Sprintf(`ALTER TABLE grants ATTACH PARTITION %s FOR VALUES IN (%d)`, name, b),
	} {
		if _, err := c.exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// dropBuckets drops the partitions that are closed and hold nothing alive, unless
// another replica is at it.
func (p *postgres) dropBuckets(ctx context.Context, now time.Time, closed func(grant.Partition) bool, purged *Purged) error {
	buckets, err := partitionsOn(ctx, conn{p}, closed)
	if err != nil || len(buckets) == 0 {
		return err
	}
	c, err := p.pool.Acquire(ctx)
	if err != nil {
		return &unavailable{err}
	}
	defer c.Release()

	for _, b := range buckets {
		dropped, err := p.dropPartition(ctx, c.Conn(), partition(b), now)
		if err != nil {
			return fmt.Errorf("drop partition %s: %w", partition(b), err)
		}
		if dropped {
			purged.Partitions++
		}
	}
	return nil
}

// partitionsOn lists the buckets of the partitions that match, in order.
func partitionsOn(ctx context.Context, on conn, match func(grant.Partition) bool) (list []grant.Partition, err error) {
	const partitions = `
		SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = to_regclass('grants')`

	err = on.each(ctx, func(r scanner) error {
		var name string
		if err := r.Scan(&name); err != nil {
			return err
		}
		number, err := strconv.ParseUint(strings.TrimPrefix(name, partitionPrefix), 10, 32)
		if err == nil && match(grant.Partition(number)) {
			list = append(list, grant.Partition(number))
		}
		return nil
	}, partitions)
	if err != nil {
		return nil, fmt.Errorf("list partitions: %w", err)
	}
	slices.Sort(list)
	return list, nil
}

// dropPartition drops a partition unless something in it lives. What was found dead
// stays dead, and is not looked through again if it could not be dropped.
func (p *postgres) dropPartition(ctx context.Context, c *pgx.Conn, name string, now time.Time) (dropped bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, dropPatience)
	defer cancel()
	there, err := attached(ctx, conn{pgStatements{c, c}}, name)
	if err != nil || !there {
		return false, err
	}
	table := pgx.Identifier{name}.Sanitize()
	if _, known := p.dead.Load(name); !known {
		alive, err := livesIn(ctx, c, table, now)
		if err != nil || alive {
			return false, err
		}
		p.dead.Store(name, true)
	}
	for range dropTries {
		dropped, err = drop(ctx, c, name)
		if !hasCode(err, lockTimeout) || rest(ctx, dropPause) != nil {
			break
		}
	}
	if err == nil {
		p.dead.Delete(name)
	}
	return dropped, err
}

// livesIn looks for a grant that has not ended. In a large partition that takes a
// while.
func livesIn(ctx context.Context, c *pgx.Conn, table string, now time.Time) (alive bool, err error) {
	living := `SELECT EXISTS (SELECT 1 FROM ` + table + ` WHERE ends_at > $1 AND revoked_at IS NULL)`

	err = pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
		in := conn{pgStatements{tx, c}}
		mine := false
		if err := in.one(ctx, `SELECT pg_try_advisory_xact_lock(hashtextextended($1, $2))`, table, int64(dropLock)).Scan(&mine); err != nil {
			return err
		}
		if !mine {
			alive = true // as far as is known: another replica looks, and drops it
			return nil
		}
		if _, err := in.exec(ctx, `SET LOCAL statement_timeout = '100s'`); err != nil {
			return err
		}
		return in.one(ctx, living, now.UnixMicro()).Scan(&alive)
	})
	if hasCode(err, "42P01") {
		return true, nil // another replica has dropped it just now
	}
	return alive, interpretPostgres(c, err)
}

// drop takes a lock on all of grants for a moment. While it waits for that, everybody
// else waits behind it; so it would rather give up soon, and come again with the next
// purge, than wait for somebody who takes long, a backup for instance.
//
// It reports false if another replica has dropped the partition.
func drop(ctx context.Context, c *pgx.Conn, name string) (dropped bool, err error) {
	err = pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
		in := conn{pgStatements{tx, c}}
		// Another replica may be dropping one after the other, for longer than a statement
		// of a request may take.
		if _, err := in.exec(ctx, `SET LOCAL statement_timeout = '100s'`); err != nil {
			return err
		}
		if err := alone(ctx, in, dropLock); err != nil {
			return err
		}
		there, err := attached(ctx, in, name)
		if err != nil || !there {
			return err
		}
		if _, err := in.exec(ctx, `SET LOCAL lock_timeout = '50ms'`); err != nil {
			return err
		}
		_, err = in.exec(ctx, `DROP TABLE `+pgx.Identifier{name}.Sanitize())
		dropped = err == nil
		return err
	})
	return dropped && err == nil, interpretPostgres(c, err)
}

// sweptBuckets names the one that refreshable grants are put into: what is over there
// makes room for others. In those that are full it would make none.
func (p *postgres) sweptBuckets(_ context.Context, now time.Time) ([]grant.Partition, error) {
	return []grant.Partition{grant.PartitionAt(now, true)}, nil
}

// alone holds back other replicas until the transaction ends.
func alone(ctx context.Context, c conn, lock int64) error {
	_, err := c.exec(ctx, `SELECT pg_advisory_xact_lock($1)`, lock)
	return err
}
