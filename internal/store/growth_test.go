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

// TestAYearOfTraffic simulates more than a year of traffic, with a purge every four
// days. A purge never removes live records. After the last step each table contains only live
// records, and the database is not larger than after the lifetime of the longest grant.
//
// A table of a later step of the schema fails this test until the traffic states its
// records and their lifetimes.
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
		y.s.Join(y.t.Context(), y.t, time.Second)
	}
	storetest.Follow(y.t, y.s)
	for until := time.Now().Add(20 * time.Second); y.count(`SELECT count(*) FROM replicas`) > 1 && time.Now().Before(until); {
		time.Sleep(10 * time.Millisecond)
	}
}

// slack is the allowed growth of an almost empty table and of the whole file: a page
// for each of its trees.
var slack = map[string]int64{"postgres": 6 * 8192, "sqlite": 40 * 4096}

// wantOnlyWhatLives compares each table with the records that have not expired.
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
			y.t.Errorf("the traffic states no rows for the table %s", table)
			continue
		}
		if rows := y.count(`SELECT count(*) FROM ` + table); rows > most {
			y.t.Errorf("%s has %d rows, and what lives explains %d", table, rows, most)
		}
		if most == 0 {
			y.t.Errorf("the traffic leaves no live row in %s", table)
		}
	}
	if y.s.Engine() == "postgres" {
		most := len(slices.DeleteFunc(slices.Collect(maps.Keys(y.partitions)), func(b grant.Partition) bool {
			return !y.now.Before(y.partitionEnds(b))
		}))
		if got := y.count(`SELECT count(*) FROM pg_inherits WHERE inhparent = 'grants'::regclass`); got > most {
			y.t.Errorf("there are %d partitions, and what lives explains %d", got, most)
		}
	}
}

// tables lists the tables of the schema.
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

// sizes returns the size of each table with its indexes in bytes. SQLite has one file,
// which counts twice: with and without the free pages.
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

// vacuum does the work of autovacuum between two steps: it runs within a minute after a
// fifth of the rows of a table are dead.
func (y *year) vacuum() {
	y.t.Helper()
	_, err := y.outside.ExecContext(y.t.Context(), `VACUUM`)
	must(y.t, err)
}

// query returns rows of a name and an optional number.
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

// openOutside opens the database with another connection.
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
