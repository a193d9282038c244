package postgres

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/store/db"
)

// Advisory locks. One replica at a time creates partitions, one drops them, and one
// searches each for live grants, which takes time in a large partition. All locks end
// with a transaction.
const (
	createLock = migrationLock + 1
	dropLock   = migrationLock + 2
)

const (
	// searchTimeout bounds the search for a live grant in a partition, and its removal.
	searchTimeout = 2 * time.Minute
	// dropTries and dropPause are the attempts of one purge to get the lock for dropping
	// a partition, and the pause between them.
	dropTries = 3
	dropPause = 300 * time.Millisecond
)

// partitions manages the partitions of the table grants.
type partitions struct {
	pool *pool
	dead sync.Map // names of partitions without a live grant that could not be dropped
}

const partitionPrefix = "grants_b"

func partitionName(p grant.Partition) string {
	return partitionPrefix + strconv.FormatUint(uint64(p), 10)
}

// InPartition implements [db.Partitioner]. It writes the number of the partition into the
// text. With a parameter only, the plan, which is made once, covers all partitions: every
// execution would open and lock each of them before it evaluates the parameter, so that
// its cost would grow with their number.
func (s *partitions) InPartition(p grant.Partition, statement string) string {
	const condition = "bucket = $1"
	before, after, _ := strings.Cut(statement, condition)
	return before + condition + " AND bucket = " + strconv.FormatUint(uint64(p), 10) + after
}

// InPartitions implements [db.Partitioner].
func (s *partitions) InPartitions(partitions []grant.Partition, statement string) string {
	if len(partitions) == 0 {
		return statement
	}
	numbers := make([]string, len(partitions))
	for i, p := range partitions {
		numbers[i] = strconv.FormatUint(uint64(p), 10)
	}
	return statement + " AND bucket IN (" + strings.Join(numbers, ", ") + ")"
}

// PartitionsBetween implements [db.Partitioner]. It lists existing partitions. A
// partition exists as long as it contains a live grant, so the list does not depend on
// lifetimes.
func (s *partitions) PartitionsBetween(ctx context.Context, on db.Conn, from, to time.Time) ([]grant.Partition, error) {
	list, err := listPartitions(ctx, on, func(p grant.Partition) bool {
		return p >= grant.PartitionAt(from, p.Weekly()) && p <= grant.PartitionAt(to, p.Weekly())
	})
	if err != nil {
		return nil, err
	}
	return append([]grant.Partition{}, list...), nil // never nil, which means all
}

// CreatePartitions implements [db.Partitioner].
func (s *partitions) CreatePartitions(ctx context.Context, partitions ...grant.Partition) error {
	missing, err := missingPartitions(ctx, db.Conn{Runner: s.pool}, partitions)
	if err != nil || len(missing) == 0 {
		return err
	}
	err = s.pool.transact(ctx, db.RequestTimeout, func(c db.Conn) error {
		if err := lock(ctx, c, createLock); err != nil {
			return err
		}
		// Another replica may have created them before this one got the lock.
		missing, err := missingPartitions(ctx, c, missing)
		if err != nil {
			return err
		}
		for _, p := range missing {
			if err := createPartition(ctx, c, p); err != nil {
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

// missingPartitions returns the partitions that do not exist.
func missingPartitions(ctx context.Context, on db.Conn, partitions []grant.Partition) (missing []grant.Partition, err error) {
	for _, p := range partitions {
		exists, err := isAttached(ctx, on, partitionName(p))
		if err != nil {
			return nil, err
		}
		if !exists {
			missing = append(missing, p)
		}
	}
	return missing, nil
}

// isAttached reports whether a partition of that name exists. It reads the rows of the
// catalog: to_regclass may use the catalog cache of this connection from before it waited
// for another replica.
func isAttached(ctx context.Context, on db.Conn, name string) (attached bool, err error) {
	const look = `
		SELECT EXISTS (SELECT 1 FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
			WHERE i.inhparent = to_regclass('grants') AND c.relname = $1)`

	if err := on.QueryRow(ctx, look, name).Scan(&attached); err != nil {
		return false, fmt.Errorf("look for partition: %w", err)
	}
	return attached, nil
}

// createPartition creates a table like grants and attaches it. CREATE TABLE ... PARTITION
// OF would be one statement, but it locks grants exclusively: it would wait for every
// running transaction, and all others for it.
//
// A page has space for two more versions of a grant: the one that an update writes, and
// the one before, which the next access removes. So 99 of 100 updates stay in their page,
// and a lower fill factor would only cost space.
func createPartition(ctx context.Context, c db.Conn, p grant.Partition) error {
	name := partitionName(p)
	for _, statement := range []string{
		`SET LOCAL lock_timeout = '1s'`,
		fmt.Sprintf(`CREATE TABLE %s (LIKE grants INCLUDING ALL) WITH (fillfactor = 85)`, name),
		fmt.Sprintf(`ALTER TABLE grants ATTACH PARTITION %s FOR VALUES IN (%d)`, name, p),
	} {
		if _, err := c.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// IsMissingPartition implements [db.Engine].
func (s *partitions) IsMissingPartition(err error) bool { return hasCode(err, checkViolation) }

// DropPartitions implements [db.Partitioner]. It skips partitions that another replica
// is dropping.
func (s *partitions) DropPartitions(ctx context.Context, now time.Time, closed func(grant.Partition) bool) (dropped int, err error) {
	partitions, err := listPartitions(ctx, db.Conn{Runner: s.pool}, closed)
	if err != nil || len(partitions) == 0 {
		return 0, err
	}
	c, err := s.pool.conns.Acquire(ctx)
	if err != nil {
		return 0, db.Unavailable(err)
	}
	defer c.Release()

	for _, p := range partitions {
		done, err := s.dropPartition(ctx, c.Conn(), partitionName(p), now)
		if err != nil {
			return dropped, fmt.Errorf("drop partition %s: %w", partitionName(p), err)
		}
		if done {
			dropped++
		}
	}
	return dropped, nil
}

// listPartitions lists the partitions that match, in order.
func listPartitions(ctx context.Context, on db.Conn, match func(grant.Partition) bool) (list []grant.Partition, err error) {
	const partitions = `
		SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = to_regclass('grants')`

	err = on.Query(ctx, func(r db.Scanner) error {
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

// dropPartition drops a partition unless it contains a live grant. A partition without
// one never gets one again, so that it is not searched twice if it could not be dropped.
func (s *partitions) dropPartition(ctx context.Context, c *pgx.Conn, name string, now time.Time) (dropped bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, searchTimeout)
	defer cancel()
	exists, err := isAttached(ctx, db.Conn{Runner: statements{c, c}}, name)
	if err != nil || !exists {
		return false, err
	}
	table := pgx.Identifier{name}.Sanitize()
	if _, known := s.dead.Load(name); !known {
		alive, err := hasLiveGrant(ctx, c, table, now)
		if err != nil || alive {
			return false, err
		}
		s.dead.Store(name, true)
	}
	for range dropTries {
		dropped, err = dropTable(ctx, c, name)
		if !hasCode(err, lockNotAvailable) || db.Sleep(ctx, dropPause) != nil {
			break
		}
	}
	if err == nil {
		s.dead.Delete(name)
	}
	return dropped, err
}

// hasLiveGrant searches a partition for a grant that has not ended. It returns true as
// well if another replica is searching or dropping the partition.
func hasLiveGrant(ctx context.Context, c *pgx.Conn, table string, now time.Time) (alive bool, err error) {
	living := `SELECT EXISTS (SELECT 1 FROM ` + table + ` WHERE ends_at > $1 AND revoked_at IS NULL)`

	err = pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
		in := db.Conn{Runner: statements{tx, c}}
		locked := false
		if err := in.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock(hashtextextended($1, $2))`, table, int64(dropLock)).Scan(&locked); err != nil {
			return err
		}
		if !locked {
			alive = true
			return nil
		}
		if _, err := in.Exec(ctx, `SET LOCAL statement_timeout = '100s'`); err != nil {
			return err
		}
		return in.QueryRow(ctx, living, now.UnixMicro()).Scan(&alive)
	})
	if hasCode(err, undefinedTable) {
		return true, nil // dropped by another replica just now
	}
	return alive, classify(c, err)
}

// dropTable locks all of grants for a moment. While it waits for that lock, all other
// statements queue behind it. So it returns an error after 50 ms if a long transaction,
// a backup for example, holds a lock; the next purge tries again.
//
// It returns false if another replica has dropped the partition.
func dropTable(ctx context.Context, c *pgx.Conn, name string) (dropped bool, err error) {
	err = pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
		in := db.Conn{Runner: statements{tx, c}}
		// Another replica may be dropping many partitions, which takes longer than the
		// statement_timeout of a request.
		if _, err := in.Exec(ctx, `SET LOCAL statement_timeout = '100s'`); err != nil {
			return err
		}
		if err := lock(ctx, in, dropLock); err != nil {
			return err
		}
		exists, err := isAttached(ctx, in, name)
		if err != nil || !exists {
			return err
		}
		if _, err := in.Exec(ctx, `SET LOCAL lock_timeout = '50ms'`); err != nil {
			return err
		}
		_, err = in.Exec(ctx, `DROP TABLE `+pgx.Identifier{name}.Sanitize())
		dropped = err == nil
		return err
	})
	return dropped && err == nil, classify(c, err)
}

// PurgedPartitions implements [db.Partitioner]. It returns the partition that receives
// refreshable grants now: the space of deleted ones is used again there. In full
// partitions it would not be.
func (s *partitions) PurgedPartitions(_ context.Context, now time.Time) ([]grant.Partition, error) {
	return []grant.Partition{grant.PartitionAt(now, true)}, nil
}

// lock waits for an advisory lock, which the transaction of c holds until it ends.
func lock(ctx context.Context, c db.Conn, key int64) error {
	_, err := c.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, key)
	return err
}
