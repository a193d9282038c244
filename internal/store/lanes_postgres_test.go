package store_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// inOneBatch runs acts at once on PostgreSQL, all in one batch, and returns their
// errors.
func inOneBatch(t *testing.T, s *store.Store, acts ...func() error) []error {
	t.Helper()
	waiting, release := store.HoldWrites(s)
	errs := make([]error, len(acts))
	var done sync.WaitGroup
	for i, act := range acts {
		done.Go(func() { errs[i] = act() })
	}
	await(waiting, len(acts))
	release()
	done.Wait()
	return errs
}

// await returns when so many writes wait.
func await(waiting func() int, most int) {
	for waiting() < most {
		time.Sleep(time.Millisecond)
	}
}

// postgresWith returns a store with what setUp adds to the schema.
func postgresWith(t *testing.T, setUp string) *store.Store {
	t.Helper()
	url := storetest.MigratedURL(t)
	outside, err := pgx.Connect(t.Context(), url)
	must(t, err)
	defer outside.Close(t.Context())
	_, err = outside.Exec(t.Context(), setUp)
	must(t, err)
	s := storetest.Open(t, url)
	furnish(t, s)
	return s
}

// poison fails what names it: a token when it is written, or when that is
// committed.
const poison = `
	CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'poison'; END $$;
	CREATE TRIGGER one BEFORE INSERT ON revoked_tokens FOR EACH ROW WHEN (NEW.jti = 'fails') EXECUTE FUNCTION poison();
	CREATE CONSTRAINT TRIGGER two AFTER INSERT ON revoked_tokens DEFERRABLE INITIALLY DEFERRED
		FOR EACH ROW WHEN (NEW.jti LIKE 'fails late%') EXECUTE FUNCTION poison();`

func TestBatchSharesNoFailure(t *testing.T) {
	t.Parallel()

	for name, failing := range map[string]string{
		"when it is written":   "fails",
		"when it is committed": "fails late",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := postgresWith(t, poison)
			g := insert(t, s, nil)
			spend(t, s, g)
			deny := func(jti string) func() error {
				return func() error { return s.DenyToken(t.Context(), jti, noon.Add(time.Hour)) }
			}
			errs := inOneBatch(t, s, deny("first"), deny(failing), deny("last"), func() error {
				held, err := s.RotateRefresh(t.Context(), grant.RefreshRotation{
					Ref: g.Locator, ClientID: "rp", Generation: 1, ExpiresAt: noon.Add(time.Hour), Now: noon,
				})
				if err == nil && held.RefreshGeneration != 2 {
					err = fmt.Errorf("generation %d", held.RefreshGeneration)
				}
				return err
			})
			for i, err := range errs {
				if (err != nil) != (i == 1) {
					t.Errorf("errand %d: %v", i, err)
				}
			}
			wantDenied(t, s, g.Locator, map[string]bool{"first": true, failing: false, "last": true})
		})
	}
}

// Where none can be committed, nobody is told otherwise.
func TestBatchIsAcknowledgedWhenCommitted(t *testing.T) {
	t.Parallel()

	s := postgresWith(t, poison)
	g := insert(t, s, nil)
	spend(t, s, g)
	var acts []func() error
	want := map[string]bool{}
	for i := range 8 {
		jti := "fails late " + strconv.Itoa(i)
		want[jti] = false
		acts = append(acts, func() error { return s.DenyToken(t.Context(), jti, noon.Add(time.Hour)) })
	}
	for i, err := range inOneBatch(t, s, acts...) {
		if err == nil {
			t.Errorf("errand %d was acknowledged", i)
		}
	}
	wantDenied(t, s, g.Locator, want)
}

func TestOneOfABatchSpendsTheCode(t *testing.T) {
	t.Parallel()

	s := postgresWith(t, ``)
	g := insert(t, s, nil)
	var acts []func() error
	for range 40 {
		acts = append(acts, func() error {
			_, err := s.SpendCode(t.Context(), grant.CodeRedemption{Ref: g.Locator, ClientID: "rp", Now: noon})
			return err
		})
	}
	won := 0
	for _, err := range inOneBatch(t, s, acts...) {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, grant.ErrSpent):
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d of a batch spent one code", won)
	}
}

// Who gives up while waiting leaves no trace, and holds nobody up.
func TestBatchGoesWithoutThoseWhoLeft(t *testing.T) {
	t.Parallel()

	s := postgresWith(t, ``)
	g := insert(t, s, nil)
	spend(t, s, g)
	waiting, release := store.HoldWrites(s)
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error)
	go func() { left <- s.DenyToken(ctx, "left", noon.Add(time.Hour)) }()
	await(waiting, 1)
	leave()
	wantUnavailable(t, <-left)
	stayed := make(chan error)
	go func() { stayed <- s.DenyToken(t.Context(), "stayed", noon.Add(time.Hour)) }()
	await(waiting, 1)
	release()
	must(t, <-stayed)
	wantDenied(t, s, g.Locator, map[string]bool{"left": false, "stayed": true})
}

// A batch whose carrier panics is lost for the others of it, who are told so, and
// the next batch goes.
func TestBatchSurvivesItsCarrier(t *testing.T) {
	t.Parallel()

	s := postgresWith(t, ``)
	panicked := make(chan any, 1)
	waiting, release := store.HoldWrites(s)
	go func() {
		defer func() { panicked <- recover() }()
		_ = store.WriteAndLook(t.Context(), s, `INSERT INTO revoked_tokens VALUES ('x', 1) RETURNING jti`, func() error { panic("at the rows") })
	}()
	await(waiting, 1)
	other := make(chan error)
	go func() { other <- s.DenyToken(t.Context(), "other", noon.Add(time.Hour)) }()
	await(waiting, 2)
	release()
	if cause := <-panicked; cause != "at the rows" {
		t.Errorf("the carrier's panic was %v", cause)
	}
	wantUnavailable(t, <-other) // whether it was done is unknown
	must(t, s.DenyToken(t.Context(), "next", noon.Add(time.Hour)))
}

func wantDenied(t *testing.T, s *store.Store, ref grant.Locator, denied map[string]bool) {
	t.Helper()
	for jti, want := range denied {
		_, err := s.LiveGrant(t.Context(), ref, jti, noon)
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
	if !isUnavailable(err) {
		t.Errorf("got %v, want unavailable", err)
	}
}
