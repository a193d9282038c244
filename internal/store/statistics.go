package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/statistics"
	"github.com/ostiary/ostiary/internal/store/db"
)

// Statistics stores totals of counters per hour and day.
type Statistics struct{ db *db.DB }

// AddStatistics adds counts to the totals of the hour and the day of now, all or none. The rows are in
// one order, so that replicas cannot deadlock. It uses a connection that no request waits for, and does not
// count as a statement of a request.
func (s *Statistics) AddStatistics(ctx context.Context, counts statistics.Counts, now time.Time) error {
	var rows []string
	var args []any
	for _, width := range []time.Duration{statistics.Hour, statistics.Day} {
		began := now.UTC().Truncate(width)
		for _, name := range slices.Sorted(maps.Keys(counts)) {
			row := []any{int64(width / time.Second), stamp(began), name, int64(counts[name]), stamp(began.Add(statistics.Retention(width)))} //nolint:gosec // a count of events
			rows = append(rows, `(`+placeholders(len(args)+1, len(row))+`)`)
			args = append(args, row...)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	add := `INSERT INTO statistics (width, began_at, counter, total, purge_after) VALUES ` + strings.Join(rows, ", ") + `
		ON CONFLICT (width, began_at, counter) DO UPDATE SET total = statistics.total + excluded.total`
	if _, err := s.db.BackgroundWrite.Exec(ctx, add, args...); err != nil {
		return fmt.Errorf("add statistics: %w", err)
	}
	return nil
}

// Statistics returns the totals of the intervals of a width that began at since or later, in the order of
// time.
func (s *Statistics) Statistics(ctx context.Context, width time.Duration, since time.Time) (list []statistics.Total, err error) {
	const read = `
		SELECT began_at, counter, total FROM statistics WHERE width = $1 AND began_at >= $2
		ORDER BY began_at, counter`

	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		var t statistics.Total
		var total int64
		err := from.Scan(intoTime(&t.Began), &t.Counter, &total)
		t.Total = uint64(max(total, 0))
		list = append(list, t)
		return err
	}, read, int64(width/time.Second), stamp(since))
	if err != nil {
		return nil, fmt.Errorf("list statistics: %w", err)
	}
	return list, nil
}
