package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/store/db"
	"github.com/ostiary/ostiary/internal/store/postgres"
	"github.com/ostiary/ostiary/internal/store/sqlite"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// each runs a test on an engine of each kind, on a database with the table numbers (n, text).
func each(t *testing.T, test func(t *testing.T, d *db.DB)) {
	t.Helper()
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		storetest.Exec(t, url, `CREATE TABLE numbers (n BIGINT NOT NULL PRIMARY KEY, text TEXT NOT NULL)`)
		test(t, db.New(open(t, url)))
	})
}

func open(t *testing.T, url string) db.Engine {
	t.Helper()
	var engine db.Engine
	var err error
	if path, isSQLite := strings.CutPrefix(url, "sqlite:"); isSQLite {
		engine, err = sqlite.Open(t.Context(), path)
	} else {
		engine, err = postgres.Open(t.Context(), url, 4, nil)
	}
	must(t, err)
	t.Cleanup(engine.Close)
	return engine
}

const insert = `INSERT INTO numbers (n, text) VALUES ($1, $2)`

// add adds a number.
func add(ctx context.Context, on db.Conn, n int) error {
	_, err := on.Exec(ctx, insert, n, fmt.Sprint("number ", n))
	return err
}

// numbers returns the stored numbers in order.
func numbers(t *testing.T, d *db.DB) string {
	t.Helper()
	var all []string
	must(t, d.Read.Query(t.Context(), func(s db.Scanner) error {
		var n int64
		var text string
		err := s.Scan(&n, &text)
		if text != fmt.Sprint("number ", n) {
			t.Errorf("the text of %d is %q", n, text)
		}
		all = append(all, strconv.FormatInt(n, 10))
		return err
	}, `SELECT n, text FROM numbers ORDER BY n`))
	return strings.Join(all, " ")
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func wantNumbers(t *testing.T, d *db.DB, want string) {
	t.Helper()
	if got := numbers(t, d); got != want {
		t.Errorf("the numbers are %q, want %q", got, want)
	}
}

// connections returns all connections of d by name, and the writing ones among them.
func connections(d *db.DB) (all, writing map[string]db.Conn) {
	writing = map[string]db.Conn{"Write": d.Write, "LongWrite": d.LongWrite, "BackgroundWrite": d.BackgroundWrite, "WatchWrite": d.WatchWrite}
	all = map[string]db.Conn{"Read": d.Read, "LongRead": d.LongRead, "BackgroundRead": d.BackgroundRead, "WatchRead": d.WatchRead}
	maps.Copy(all, writing)
	return all, writing
}

// A write on any connection is visible on every other when it returns. The affected rows are
// counted.
func TestWritesAreVisibleOnEveryConnection(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		t.Helper()
		all, writing := connections(d)
		count := 0
		for writer, w := range writing {
			count++
			affected, err := w.Exec(t.Context(), insert, count, fmt.Sprint("number ", count))
			if affected != 1 || err != nil {
				t.Errorf("%s: Exec = %d, %v, want 1 row", writer, affected, err)
			}
			affected, err = w.Exec(t.Context(), `UPDATE numbers SET text = text`)
			if affected != int64(count) || err != nil {
				t.Errorf("%s: Exec = %d, %v, want %d rows", writer, affected, err, count)
			}
			for reader, r := range all {
				var got int64
				if err := r.QueryRow(t.Context(), `SELECT count(*) FROM numbers`).Scan(&got); err != nil || got != int64(count) {
					t.Errorf("after a write on %s, %s has %d rows, %v, want %d", writer, reader, got, err, count)
				}
			}
		}
	})
}

// A query returns the rows in order, and ends with the first error of visit.
func TestQuery(t *testing.T) {
	errEnough := errors.New("enough")
	each(t, func(t *testing.T, d *db.DB) {
		t.Helper()
		for n := range 3 {
			must(t, add(t.Context(), d.Write, n))
		}
		wantNumbers(t, d, "0 1 2")
		for name, c := range map[string]db.Conn{"Read": d.Read, "LongRead": d.LongRead, "Write": d.Write} {
			calls := 0
			err := c.Query(t.Context(), func(db.Scanner) error { calls++; return errEnough }, `SELECT n FROM numbers`)
			if !errors.Is(err, errEnough) || db.IsUnavailable(err) || calls != 1 {
				t.Errorf("%s: Query = %v after %d calls, want %v after one", name, err, calls, errEnough)
			}
			if err := c.QueryRow(t.Context(), `SELECT n FROM numbers WHERE n = $1`, 7).Scan(new(int64)); !errors.Is(err, sql.ErrNoRows) {
				t.Errorf("%s: Scan of no row = %v, want %v", name, err, sql.ErrNoRows)
			}
		}
	})
}

// A statement runs when its row is scanned, and again if it is scanned again.
func TestQueryRowRunsWhenScanned(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		t.Helper()
		row := d.Write.QueryRow(t.Context(), `INSERT INTO numbers (n, text) SELECT count(*), 'number ' || count(*) FROM numbers RETURNING n`)
		wantNumbers(t, d, "")
		for want := range int64(2) {
			var n int64
			if err := row.Scan(&n); err != nil || n != want {
				t.Errorf("Scan = %d, %v, want %d", n, err, want)
			}
		}
		wantNumbers(t, d, "0 1")
	})
}

// Statements counts the statements of requests, in and outside transactions, and not those of
// the process itself.
func TestStatements(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		t.Helper()
		all, _ := connections(d)
		all["a transaction"] = db.Conn{}
		for name, c := range all {
			run := func(c db.Conn) error {
				if _, err := c.Exec(t.Context(), `SELECT 1`); err != nil {
					return err
				}
				return c.QueryRow(t.Context(), `SELECT 1`).Scan(new(int64))
			}
			before := d.Statements()
			if c.Runner == nil {
				must(t, d.Tx(t.Context(), run))
			} else {
				must(t, run(c))
			}
			want := int64(2)
			if strings.HasPrefix(name, "Background") || strings.HasPrefix(name, "Watch") {
				want = 0
			}
			if got := d.Statements() - before; got != want {
				t.Errorf("%s counts %d statements, want %d", name, got, want)
			}
		}
	})
}

// A transaction is committed as a whole if act returns nil, and else not at all.
func TestTransactionIsAllOrNothing(t *testing.T) {
	errRefused := errors.New("refused")
	each(t, func(t *testing.T, d *db.DB) {
		t.Helper()
		for name, timeout := range map[string]time.Duration{"short": db.RequestTimeout, "long": db.ImportTimeout} {
			must(t, add(t.Context(), d.Write, 1))
			tx := func(after func() error) error {
				return d.TxWithin(t.Context(), timeout, func(c db.Conn) error {
					for n := 2; n <= 3; n++ {
						if err := add(t.Context(), c, n); err != nil {
							return err
						}
					}
					var seen int64
					if err := c.QueryRow(t.Context(), `SELECT count(*) FROM numbers`).Scan(&seen); err != nil || seen != 3 {
						t.Errorf("%s: the transaction sees %d rows, %v, want its own writes", name, seen, err)
					}
					wantNumbers(t, d, "1") // on another connection
					return after()
				})
			}
			if err := tx(func() error { return errRefused }); !errors.Is(err, errRefused) || db.IsUnavailable(err) {
				t.Errorf("%s: Tx = %v, want %v", name, err, errRefused)
			}
			wantNumbers(t, d, "1")
			must(t, tx(func() error { return nil }))
			wantNumbers(t, d, "1 2 3")
			err := d.TxWithin(t.Context(), timeout, func(c db.Conn) error {
				if err := add(t.Context(), c, 4); err != nil {
					return err
				}
				return add(t.Context(), c, 1)
			})
			if err == nil || db.IsUnavailable(err) {
				t.Errorf("%s: Tx with a duplicate key = %v, want an error of the statement", name, err)
			}
			wantNumbers(t, d, "1 2 3")
			_, err = d.Write.Exec(t.Context(), `DELETE FROM numbers`)
			must(t, err)
		}
	})
}

// A transaction that panics writes nothing, and the next one runs.
func TestPanickingTransaction(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		t.Helper()
		func() {
			defer func() {
				if recovered := fmt.Sprint(recover()); !strings.HasPrefix(recovered, "a mistake") {
					t.Errorf("recovered %s, want the panic of act", recovered)
				}
			}()
			_ = d.Tx(t.Context(), func(c db.Conn) error { // panics
				must(t, add(t.Context(), c, 1))
				panic("a mistake")
			})
		}()
		must(t, d.Tx(t.Context(), func(c db.Conn) error { return add(t.Context(), c, 2) }))
		wantNumbers(t, d, "2")
	})
}

// A transaction that is still running at its timeout, or whose context has ended, is not
// committed. That is a failure of the database: the caller may try again.
func TestTransactionTimesOut(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		for name, run := range map[string]func(act func(db.Conn) error) error{
			"a timeout": func(act func(db.Conn) error) error {
				return d.TxWithin(t.Context(), 20*time.Millisecond, func(c db.Conn) error {
					err := act(c)
					return errors.Join(err, db.Sleep(t.Context(), 40*time.Millisecond))
				})
			},
			"a canceled context": func(act func(db.Conn) error) error {
				return d.Tx(ctx, func(c db.Conn) error {
					err := act(c)
					cancel()
					return err
				})
			},
		} {
			if err := run(func(c db.Conn) error { return add(context.WithoutCancel(t.Context()), c, 1) }); !db.IsUnavailable(err) {
				t.Errorf("%s: Tx = %v, want it unavailable", name, err)
			}
			wantNumbers(t, d, "")
		}
		must(t, d.Tx(t.Context(), func(c db.Conn) error { return add(t.Context(), c, 2) }))
		wantNumbers(t, d, "2")
	})
}

// Concurrent transactions lose no update.
func TestConcurrentTransactions(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		t.Helper()
		const callers = 12
		must(t, add(t.Context(), d.Write, 0))
		var group sync.WaitGroup
		for range callers {
			group.Go(func() {
				err := d.Tx(t.Context(), func(c db.Conn) error {
					var n int64
					if err := c.QueryRow(t.Context(), `UPDATE numbers SET n = n + 1 RETURNING n`).Scan(&n); err != nil {
						return err
					}
					_, err := c.Exec(t.Context(), `UPDATE numbers SET text = $1`, fmt.Sprint("number ", n))
					return err
				})
				if err != nil {
					t.Errorf("Tx = %v", err)
				}
			})
		}
		group.Wait()
		wantNumbers(t, d, "12")
	})
}

// Of two transactions that wait for each other PostgreSQL ends one, which runs again. Its first
// run has written nothing.
func TestConflictingTransactionRunsAgain(t *testing.T) {
	t.Parallel()
	url := storetest.PostgresURL(t)
	storetest.Exec(t, url, `CREATE TABLE numbers (n BIGINT NOT NULL PRIMARY KEY, text TEXT NOT NULL)`)
	d := db.New(open(t, url+"&deadlock_timeout=50ms"))
	must(t, add(t.Context(), d.Write, 1))
	must(t, add(t.Context(), d.Write, 2))
	var both, group sync.WaitGroup
	both.Add(2)
	var runs atomic.Int64
	for i := range 2 {
		group.Go(func() {
			first := true
			lock := func(c db.Conn, n int) error {
				_, err := c.Exec(t.Context(), `UPDATE numbers SET text = text WHERE n = $1`, n)
				return err
			}
			err := d.Tx(t.Context(), func(c db.Conn) error {
				runs.Add(1)
				if err := add(t.Context(), c, 3+i); err != nil || !first {
					return err
				}
				first = false
				err := lock(c, 1+i)
				both.Done()
				both.Wait()
				return errors.Join(err, lock(c, 2-i))
			})
			if err != nil {
				t.Errorf("Tx = %v", err)
			}
		})
	}
	group.Wait()
	if got := runs.Load(); got < 3 {
		t.Errorf("two transactions ran %d times, want a run after the conflict", got)
	}
	wantNumbers(t, d, "1 2 3 4")
}

// After Close every statement and transaction is unavailable.
func TestClosedDatabaseIsUnavailable(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		t.Helper()
		d.Engine.Close()
		all, writing := connections(d)
		for name, c := range all {
			if err := c.QueryRow(t.Context(), `SELECT 1`).Scan(new(int64)); !db.IsUnavailable(err) {
				t.Errorf("%s: Query = %v, want it unavailable", name, err)
			}
		}
		for name, c := range writing {
			if err := add(t.Context(), c, 1); !db.IsUnavailable(err) {
				t.Errorf("%s: Exec = %v, want it unavailable", name, err)
			}
		}
		if err := d.Tx(t.Context(), func(db.Conn) error { return nil }); !db.IsUnavailable(err) {
			t.Errorf("Tx = %v, want it unavailable", err)
		}
	})
}
