package store_test

import (
	"database/sql"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// TestAYearOfTraffic lives through more than a year, with a purge as the server runs it
// every four days. What lives is never touched. In the end no table of the schema has
// a row that what lives does not explain, and the database takes no more room than it
// did when it had lived as long as its longest grant.
//
// A table that comes with a later step of the schema fails here until somebody says,
// in the traffic, what it holds and for how long.
func TestAYearOfTraffic(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		y := newYear(t, url)
		var settled, grown map[string]int64
		for y.now.Before(noon.Add(380 * day)) {
			y.step()
			switch month := y.now.Sub(noon) / (30 * day); {
			case month >= 4 && settled == nil:
				settled = y.sizes()
			case month >= 12 && grown == nil:
				grown = y.sizes()
			}
		}
		y.refreshAll()
		y.restartReplicas()
		y.wantOnlyWhatLives()
		for name, size := range grown {
			if most := settled[name] + settled[name]/5 + slack[y.s.Engine()]; size > most {
				t.Errorf("%s has %d bytes after a year, %d after four months", name, size, settled[name])
			}
		}
	})
}

// restartReplicas kills some processes and leaves one running.
func (y *year) restartReplicas() {
	y.t.Helper()
	for range 3 {
		y.s.Join(y.t.Context(), y.t, 10*time.Millisecond)
	}
	storetest.Follow(y.t, y.s)
	for until := time.Now().Add(20 * time.Second); y.count(`SELECT count(*) FROM replicas`) > 1 && time.Now().Before(until); {
		time.Sleep(10 * time.Millisecond)
	}
}

// slack is what a table may grow by that is next to empty, on the one hand, and on the
// other the whole file: a page for each of its trees.
var slack = map[string]int64{"postgres": 6 * 8192, "sqlite": 40 * 4096}

// wantOnlyWhatLives compares each table with what was put into it and has not ended.
func (y *year) wantOnlyWhatLives() {
	y.t.Helper()
	steps, err := y.s.MigrationStatus(y.t.Context())
	must(y.t, err)
	want := map[string]int{
		"goose_db_version": len(steps) + 1, "key_state": 1, "seeds": 2, "scopes": 2, // groups and roles
		"refusal_numbers": 1, "change_counter": 1, "replicas": 1, // the process that started last
		"signing_keys": 2 * 3, // the next, the current and the past one
	}
	for table, ends := range y.ends {
		want[table] = 0
		for _, end := range ends {
			if end.After(y.now) {
				want[table]++
			}
		}
	}
	for _, table := range y.tables() {
		most, known := want[table]
		if !known {
			y.t.Errorf("nobody says what may be in the table %s", table)
			continue
		}
		if rows := y.count(`SELECT count(*) FROM ` + table); rows > most {
			y.t.Errorf("%s has %d rows, and what lives explains %d", table, rows, most)
		}
		if most == 0 {
			y.t.Errorf("the traffic puts nothing into %s that is alive in the end", table)
		}
	}
	if y.s.Engine() == "postgres" {
		most := len(slices.DeleteFunc(slices.Collect(maps.Keys(y.buckets)), func(b grant.Partition) bool {
			return !y.now.Before(y.bucketEnds(b))
		}))
		if got := y.count(`SELECT count(*) FROM pg_inherits WHERE inhparent = 'grants'::regclass`); got > most {
			y.t.Errorf("there are %d partitions, and what lives explains %d", got, most)
		}
	}
}

// tables lists those of the schema.
func (y *year) tables() (names []string) {
	y.t.Helper()
	query := `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'`
	if y.s.Engine() == "postgres" {
		query = `SELECT relname FROM pg_class
			WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition`
	}
	for name := range y.query(query) {
		names = append(names, name)
	}
	return names
}

// sizes returns the bytes of each table with all that belongs to it; SQLite has one
// file, which counts once as it is and once without the pages that wait to be used
// again.
func (y *year) sizes() map[string]int64 {
	y.t.Helper()
	if y.s.Engine() == "postgres" {
		y.vacuum()
		return y.query(`
			SELECT coalesce(i.inhparent, c.oid)::regclass::text, sum(pg_total_relation_size(c.oid))
			FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
			WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' GROUP BY 1`)
	}
	return y.query(`
		SELECT 'the file', page_count * page_size FROM pragma_page_count, pragma_page_size
		UNION ALL
		SELECT 'the used pages', (page_count - freelist_count) * page_size
		FROM pragma_page_count, pragma_freelist_count, pragma_page_size`)
}

// vacuum does what autovacuum does in the hours between two steps: it comes within a
// minute of a fifth of a table's rows being dead.
func (y *year) vacuum() {
	y.t.Helper()
	_, err := y.outside.ExecContext(y.t.Context(), `VACUUM`)
	must(y.t, err)
}

// query returns the rows of a name and, if there is one, a number.
func (y *year) query(query string) map[string]int64 {
	y.t.Helper()
	rows, err := y.outside.QueryContext(y.t.Context(), query)
	must(y.t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	must(y.t, err)
	found := map[string]int64{}
	for rows.Next() {
		var name string
		var number int64
		must(y.t, rows.Scan([]any{&name, &number}[:len(columns)]...))
		found[name] = number
	}
	must(y.t, rows.Err())
	return found
}

func (y *year) count(query string) (n int) {
	y.t.Helper()
	must(y.t, y.outside.QueryRowContext(y.t.Context(), query).Scan(&n))
	return n
}

// openOutside opens the database beside the store.
func openOutside(t *testing.T, url string) *sql.DB {
	t.Helper()
	driver, source := "pgx", url
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		driver, source = "sqlite", path
	}
	db, err := sql.Open(driver, source)
	must(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}
