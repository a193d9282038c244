package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/db"
	"github.com/ostiary/ostiary/internal/store/postgres"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

var noon = fixture.Noon

// opened is a store and its engine.
type opened struct {
	*store.Store

	engine *postgres.Engine
}

// inOneBatch runs acts concurrently, in one batch, and returns their errors.
func inOneBatch(s opened, acts ...func() error) []error {
	queued, release := s.engine.HoldWrites()
	errs := make([]error, len(acts))
	var done sync.WaitGroup
	for i, act := range acts {
		done.Go(func() { errs[i] = act() })
	}
	await(queued, len(acts))
	release()
	done.Wait()
	return errs
}

// await returns when count writes are queued.
func await(queued func() int, count int) {
	for queued() < count {
		time.Sleep(time.Millisecond)
	}
}

// openWith returns a store on a database to which setUp adds to the schema.
func openWith(t *testing.T, setUp string) opened {
	t.Helper()
	url := storetest.MigratedURL(t)
	outside, err := pgx.Connect(t.Context(), url)
	must(t, err)
	defer outside.Close(t.Context())
	_, err = outside.Exec(t.Context(), setUp)
	must(t, err)
	engine, err := postgres.Open(t.Context(), url, 6, slog.New(slog.DiscardHandler))
	must(t, err)
	s := opened{store.New(engine, store.Config{ReadingTTL: time.Minute}), engine}
	t.Cleanup(s.Close)
	fixture.Seed(t, s.Store)
	return s
}

// poison makes the denial of some tokens fail, at the insert or at the commit.
const poison = `
	CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'poison'; END $$;
	CREATE TRIGGER one BEFORE INSERT ON revoked_tokens FOR EACH ROW WHEN (NEW.jti = 'fails') EXECUTE FUNCTION poison();
	CREATE CONSTRAINT TRIGGER two AFTER INSERT ON revoked_tokens DEFERRABLE INITIALLY DEFERRED
		FOR EACH ROW WHEN (NEW.jti LIKE 'fails late%') EXECUTE FUNCTION poison();`

func TestFailedStatementFailsAlone(t *testing.T) {
	t.Parallel()

	for name, failing := range map[string]string{
		"when it is written":   "fails",
		"when it is committed": "fails late",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openWith(t, poison)
			g := fixture.InsertGrant(t, s.Store, nil)
			fixture.RedeemCode(t, s.Store, g)
			deny := func(jti string) func() error {
				return func() error { return s.Grants.DenyToken(t.Context(), jti, noon.Add(time.Hour)) }
			}
			errs := inOneBatch(s, deny("first"), deny(failing), deny("last"), func() error {
				held, err := s.Grants.RotateRefresh(t.Context(), grant.RefreshRotation{
					Ref: g.Locator, ClientID: "rp", Generation: 1, ExpiresAt: noon.Add(time.Hour), Now: noon,
				})
				if err == nil && held.RefreshGeneration != 2 {
					err = fmt.Errorf("generation %d", held.RefreshGeneration)
				}
				return err
			})
			for i, err := range errs {
				if (err != nil) != (i == 1) {
					t.Errorf("statement %d: %v", i, err)
				}
			}
			wantDenied(t, s, g.Locator, map[string]bool{"first": true, failing: false, "last": true})
		})
	}
}

// If no statement can be committed, all return an error.
func TestBatchIsAcknowledgedWhenCommitted(t *testing.T) {
	t.Parallel()

	s := openWith(t, poison)
	g := fixture.InsertGrant(t, s.Store, nil)
	fixture.RedeemCode(t, s.Store, g)
	var acts []func() error
	want := map[string]bool{}
	for i := range 8 {
		jti := "fails late " + strconv.Itoa(i)
		want[jti] = false
		acts = append(acts, func() error { return s.Grants.DenyToken(t.Context(), jti, noon.Add(time.Hour)) })
	}
	for i, err := range inOneBatch(s, acts...) {
		if err == nil {
			t.Errorf("statement %d was acknowledged", i)
		}
	}
	wantDenied(t, s, g.Locator, want)
}

func TestOneOfABatchRedeemsTheCode(t *testing.T) {
	t.Parallel()

	s := openWith(t, ``)
	g := fixture.InsertGrant(t, s.Store, nil)
	var acts []func() error
	for range 40 {
		acts = append(acts, func() error {
			_, err := s.Grants.RedeemCode(t.Context(), grant.CodeRedemption{Ref: g.Locator, ClientID: "rp", Now: noon})
			return err
		})
	}
	won := 0
	for _, err := range inOneBatch(s, acts...) {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, grant.ErrSpent):
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d of a batch redeemed one code", won)
	}
}

// A caller whose context ends while its statement is queued delays no other, and its
// statement does not run.
func TestBatchSkipsCanceledStatements(t *testing.T) {
	t.Parallel()

	s := openWith(t, ``)
	g := fixture.InsertGrant(t, s.Store, nil)
	fixture.RedeemCode(t, s.Store, g)
	queued, release := s.engine.HoldWrites()
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error)
	go func() { left <- s.Grants.DenyToken(ctx, "left", noon.Add(time.Hour)) }()
	await(queued, 1)
	leave()
	wantUnavailable(t, <-left)
	stayed := make(chan error)
	go func() { stayed <- s.Grants.DenyToken(t.Context(), "stayed", noon.Add(time.Hour)) }()
	await(queued, 1)
	release()
	must(t, <-stayed)
	wantDenied(t, s, g.Locator, map[string]bool{"left": false, "stayed": true})
}

// If the leader of a batch panics, the other statements of the batch are lost and return
// an error, and the next batch runs.
func TestPipelineSurvivesAPanickingLeader(t *testing.T) {
	t.Parallel()

	s := openWith(t, ``)
	panicked := make(chan any, 1)
	queued, release := s.engine.HoldWrites()
	go func() {
		defer func() { panicked <- recover() }()
		_ = s.engine.Writer().Query(t.Context(), func(db.Scanner) error { panic("at the rows") }, `INSERT INTO revoked_tokens VALUES ('x', 1) RETURNING jti`)
	}()
	await(queued, 1)
	other := make(chan error)
	go func() { other <- s.Grants.DenyToken(t.Context(), "other", noon.Add(time.Hour)) }()
	await(queued, 2)
	release()
	if cause := <-panicked; cause != "at the rows" {
		t.Errorf("the leader's panic was %v", cause)
	}
	wantUnavailable(t, <-other) // whether it was done is unknown
	must(t, s.Grants.DenyToken(t.Context(), "next", noon.Add(time.Hour)))
}

func wantDenied(t *testing.T, s opened, ref grant.Locator, denied map[string]bool) {
	t.Helper()
	for jti, want := range denied {
		_, err := s.Grants.LiveGrant(t.Context(), ref, jti, noon)
		if err != nil && !errors.Is(err, grant.ErrNotFound) {
			t.Fatal(err)
		}
		if (err != nil) != want {
			t.Errorf("%q is denied: %v, want %v", jti, err != nil, want)
		}
	}
}

func wantUnavailable(t *testing.T, err error) {
	t.Helper()
	if !db.IsUnavailable(err) {
		t.Errorf("got %v, want unavailable", err)
	}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
