package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/db"
	"github.com/ostiary/ostiary/internal/store/sqlite"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

var noon = fixture.Noon

// opened is a store and its engine.
type opened struct {
	*store.Store

	engine *sqlite.Engine
}

// open returns a store on a migrated file.
func open(t *testing.T, url string) opened {
	t.Helper()
	engine, err := sqlite.Open(t.Context(), strings.TrimPrefix(url, "sqlite:"))
	must(t, err)
	s := opened{store.New(engine, store.Config{ReadingTTL: time.Minute}), engine}
	t.Cleanup(s.Close)
	return s
}

// pragma reads or sets a setting of the connection that writes.
func (s opened) pragma(ctx context.Context, name string) (string, error) {
	var value any
	err := db.Conn{Runner: s.engine.Writer()}.QueryRow(ctx, `PRAGMA `+name).Scan(&value)
	return fmt.Sprint(value), err
}

// query runs a statement that writes and calls visit for each row.
func (s opened) query(ctx context.Context, statement string, visit func() error) error {
	return s.engine.Writer().Query(ctx, func(db.Scanner) error { return visit() }, statement)
}

// transact runs act in one transaction.
func (s opened) transact(ctx context.Context, timeout time.Duration, act func(exec func(statement string, args ...any) error) error) error {
	return s.engine.Transact(ctx, timeout, func(c db.Conn) error {
		return act(func(statement string, args ...any) error {
			_, err := c.Exec(ctx, statement, args...)
			return err
		})
	})
}

type write = func(context.Context, opened) error

// inOneTransaction queues all writes behind an import, so that one transaction runs
// them afterwards. It returns their errors.
func inOneTransaction(t *testing.T, s opened, writes ...write) []error {
	t.Helper()
	s.engine.DisableGroupTimeout()
	release := occupy(t, s)
	results := make([]error, len(writes))
	var group sync.WaitGroup
	for i, w := range writes {
		group.Go(func() { results[i] = w(t.Context(), s) })
	}
	queued(t, s, len(writes))
	release()
	group.Wait()
	return results
}

// occupy blocks other writes until release.
func occupy(t *testing.T, s opened) (release func()) {
	t.Helper()
	begun, enough, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- s.transact(t.Context(), db.ImportTimeout, func(exec func(string, ...any) error) error {
			close(begun)
			<-enough
			return exec(`INSERT INTO revoked_tokens (jti, until) VALUES ('of the import', $1)`, noon.Add(time.Hour).UnixMicro())
		})
	}()
	<-begun
	return func() {
		close(enough)
		must(t, <-ended)
	}
}

// queued waits until the queue has so many writes.
func queued(t *testing.T, s opened, want int) {
	t.Helper()
	for range 10_000 {
		if s.engine.Queued() == want {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d stand in the queue, want %d", s.engine.Queued(), want)
}

// repeat returns n writes.
func repeat(n int, one func(i int) write) []write {
	all := make([]write, n)
	for i := range all {
		all[i] = one(i)
	}
	return all
}

func deny(jti string) write {
	return func(ctx context.Context, s opened) error { return s.Grants.DenyToken(ctx, jti, noon.Add(time.Hour)) }
}

// denied reports whether a token is revoked, as another process sees it.
func denied(t *testing.T, url, jti string) bool {
	t.Helper()
	s := open(t, url)
	err := s.Grants.LiveClient(t.Context(), "rp", jti, noon, noon)
	if err != nil && !errors.Is(err, grant.ErrNotFound) {
		t.Fatal(err)
	}
	return err != nil
}

func TestOneOfAGroupRedeemsTheCode(t *testing.T) {
	t.Parallel()

	url := storetest.SQLiteURL(t)
	s := open(t, url)
	fixture.Seed(t, s.Store)
	g := fixture.InsertGrant(t, s.Store, nil)
	fixture.WantOneWinner(t, inOneTransaction(t, s, repeat(32, func(int) write {
		return func(ctx context.Context, s opened) error {
			_, err := s.Grants.RedeemCode(ctx, grant.CodeRedemption{Ref: g.Locator, ClientID: "rp", Now: noon})
			return err
		}
	})...), grant.ErrSpent)
}

func TestFailedWriteFailsAlone(t *testing.T) {
	t.Parallel()

	url := storetest.SQLiteURL(t)
	s := open(t, url)
	fixture.Seed(t, s.Store)
	alter(t, url, `CREATE TABLE steps (name TEXT NOT NULL PRIMARY KEY)`)
	errMine := errors.New("an error of the caller's own")
	step := func(exec func(string, ...any) error, name string) error {
		return exec(`INSERT INTO steps (name) VALUES ($1)`, name)
	}

	cases := []struct {
		name string
		do   write
		want func(error) bool
	}{
		{"a row in the way", func(ctx context.Context, s opened) error {
			return s.Accounts.InsertAccount(ctx, fixture.Account("alice"))
		}, is(account.ErrExists)},
		{"a reference to nothing", func(ctx context.Context, s opened) error {
			return s.Sessions.JoinSession(ctx, "gone", "rp", "", noon)
		}, is(session.ErrNotFound)},
		{"a constraint broken by the second of two rows", func(ctx context.Context, s opened) error {
			return s.query(ctx, `INSERT INTO steps (name) VALUES ('first of two'), (NULL) RETURNING name`,
				func() error { return nil })
		}, isMistake},
		{"a reader of its rows who panics", func(ctx context.Context, s opened) (err error) {
			defer func() { err = fmt.Errorf("panic: %v", recover()) }()
			return s.query(ctx, `UPDATE accounts SET username = username RETURNING subject`,
				func() error { panic("of its own") })
		}, isPanic},
		{"an invalid argument", func(ctx context.Context, s opened) error {
			return s.transact(ctx, db.RequestTimeout, func(exec func(string, ...any) error) error {
				if err := step(exec, "before the argument"); err != nil {
					return err
				}
				return exec(`DELETE FROM steps WHERE name = $1`, make(chan int))
			})
		}, isMistake},
		{"an act that fails", func(ctx context.Context, s opened) error {
			return s.transact(ctx, db.RequestTimeout, func(exec func(string, ...any) error) error {
				return errors.Join(step(exec, "before the failure"), errMine)
			})
		}, is(errMine)},
		{"an act that panics", func(ctx context.Context, s opened) (err error) {
			defer func() { err = fmt.Errorf("panic: %v", recover()) }()
			return s.transact(ctx, db.RequestTimeout, func(exec func(string, ...any) error) error {
				must(t, step(exec, "before the panic"))
				panic("of its own")
			})
		}, isPanic},
		{"an act whose context ends", func(ctx context.Context, s opened) error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			return s.transact(ctx, db.RequestTimeout, func(exec func(string, ...any) error) error {
				must(t, step(exec, "before the end"))
				cancel()
				if err := step(exec, "after the end"); !db.IsUnavailable(err) {
					t.Errorf("a statement after the end = %v, want it unavailable", err)
				}
				return nil
			})
		}, db.IsUnavailable},
		{"an act that succeeds", func(ctx context.Context, s opened) error {
			return s.transact(ctx, db.RequestTimeout, func(exec func(string, ...any) error) error { return step(exec, "done") })
		}, is(nil)},
	}
	writes := []write{deny("of the first")}
	for _, tc := range cases {
		writes = append(writes, tc.do, deny("after "+tc.name))
	}
	results := inOneTransaction(t, s, writes...)
	for i, err := range results {
		name, want := "a write after another", is(nil)
		if i%2 == 1 {
			name, want = cases[i/2].name, cases[i/2].want
		}
		if !want(err) {
			t.Errorf("%s gets %v", name, err)
		}
	}
	for _, tc := range cases {
		if !denied(t, url, "after "+tc.name) {
			t.Errorf("what was acknowledged after %s is not there", tc.name)
		}
	}
	file, err := sql.Open("sqlite", strings.TrimPrefix(url, "sqlite:"))
	must(t, err)
	defer file.Close()
	var left string
	must(t, file.QueryRowContext(t.Context(), `SELECT group_concat(name) FROM steps`).Scan(&left))
	wantSame(t, "steps that were taken", left, "done")
}

func is(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }

func isPanic(err error) bool { return strings.HasPrefix(err.Error(), "panic: of its own") }

func isMistake(err error) bool { return err != nil && !db.IsUnavailable(err) }

// poisoned makes the commit of a transaction fail if it revokes the token jti: a
// deferred foreign key refers to no row.
func poisoned(t *testing.T, url, jti string) {
	t.Helper()
	alter(t, url, `CREATE TABLE debts (of TEXT REFERENCES clients (id) DEFERRABLE INITIALLY DEFERRED)`)
	alter(t, url, `CREATE TRIGGER lend AFTER INSERT ON revoked_tokens WHEN new.jti = '`+jti+`'
		BEGIN INSERT INTO debts VALUES ('nobody'); END`)
}

func TestGroupFailsWithItsCommit(t *testing.T) {
	t.Parallel()

	url := storetest.SQLiteURL(t)
	poisoned(t, url, "poison")
	s := open(t, url)
	fixture.Seed(t, s.Store)
	codes := []*grant.Grant{fixture.InsertGrant(t, s.Store, nil), fixture.InsertGrant(t, s.Store, nil)}
	spending := func(ctx context.Context, s opened) error {
		_, err := s.Grants.RedeemCode(ctx, grant.CodeRedemption{Ref: codes[0].Locator, ClientID: "rp", Now: noon})
		return err
	}
	transaction := func(ctx context.Context, s opened) error {
		return s.Accounts.DeleteAccount(ctx, "bob", noon)
	}

	for _, err := range append(
		inOneTransaction(t, s, deny("before"), spending, spending, transaction, deny("poison"), deny("after"), transaction),
		deny("poison")(t.Context(), s), // without others
	) {
		if !db.IsUnavailable(err) {
			t.Errorf("a write that was not committed = %v, want it unavailable", err)
		}
	}
	for _, jti := range []string{"before", "poison", "after"} {
		if denied(t, url, jti) {
			t.Errorf("%q was written, and said to be unavailable", jti)
		}
	}
	fixture.RedeemCode(t, s.Store, codes[0])
	must(t, transaction(t.Context(), s))
	for pragma, want := range map[string]string{"synchronous": "2", "foreign_keys": "1"} {
		got, err := s.pragma(t.Context(), pragma)
		must(t, err)
		wantSame(t, pragma+" after a failure", got, want)
	}
}

func TestGroupFailsWhenTheDiskIsFull(t *testing.T) {
	t.Parallel()

	url := storetest.SQLiteURL(t)
	s := open(t, url)
	fixture.Seed(t, s.Store)
	_, err := s.pragma(t.Context(), "max_page_count(1)") // the current number
	must(t, err)

	const many = 100 // more than fit into the free space of the last pages
	grants := make([]*grant.Grant, many)
	results := inOneTransaction(t, s, repeat(many, func(i int) write {
		grants[i] = fixture.Grant("rp", "alice")
		return func(ctx context.Context, s opened) error { return s.Grants.InsertGrant(ctx, grants[i]) }
	})...)
	refused := 0
	for i, err := range results {
		if err != nil {
			refused++
		}
		if err != nil && !db.IsUnavailable(err) {
			t.Errorf("InsertGrant on a full disk = %v, want it unavailable", err)
		}
		fixture.WantLive(t, storetest.Open(t, url), grants[i].Locator, noon, err == nil)
	}
	if refused == 0 {
		t.Error("no write was rejected")
	}
	fixture.InsertGrant(t, s.Store, nil)
}

// alter runs a statement on another connection.
func alter(t *testing.T, url, statement string) {
	t.Helper()
	file, err := sql.Open("sqlite", strings.TrimPrefix(url, "sqlite:"))
	must(t, err)
	defer file.Close()
	_, err = file.ExecContext(t.Context(), statement)
	must(t, err)
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func wantSame(tb testing.TB, what string, got, want any) {
	tb.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
