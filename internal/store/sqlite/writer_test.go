package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/db"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// Acknowledged writes are visible on every connection.
func TestAcknowledgedWritesAreSeen(t *testing.T) {
	t.Parallel()

	url := storetest.SQLiteURL(t)
	one, two := storetest.Open(t, url), storetest.Open(t, url)
	fixture.Seed(t, one)
	for _, err := range fixture.Race(t, one, two, func(ctx context.Context, s *store.Store) error {
		for range 20 {
			g := fixture.Grant("rp", "alice")
			if err := s.Grants.InsertGrant(ctx, g); err != nil {
				return err
			}
			for _, other := range []*store.Store{one, two} {
				if _, err := other.Grants.LiveGrant(ctx, g.Locator, "", noon); err != nil {
					return err
				}
			}
			if _, err := s.Grants.RedeemCode(ctx, grant.CodeRedemption{Ref: g.Locator, ClientID: "rp", Now: noon}); err != nil {
				return err
			}
			if _, err := s.Grants.RedeemCode(ctx, grant.CodeRedemption{Ref: g.Locator, ClientID: "rp", Now: noon}); !errors.Is(err, grant.ErrSpent) {
				return fmt.Errorf("spend again: %w", err)
			}
		}
		return nil
	}) {
		must(t, err)
	}
}

// While another process holds the write lock, queued writes time out.
func TestQueuedWritesTimeOut(t *testing.T) {
	t.Parallel()

	url := storetest.SQLiteURL(t)
	s := open(t, url)
	fixture.Seed(t, s.Store)
	release := occupy(t, open(t, url))
	for _, err := range fixture.Race(t, s.Store, s.Store, func(ctx context.Context, _ *store.Store) error { return deny("too late")(ctx, s) }) {
		if !db.IsUnavailable(err) {
			t.Errorf("DenyToken while another process writes = %v, want it unavailable", err)
		}
	}
	queued(t, s, 0)
	release()
	if denied(t, url, "too late") {
		t.Error("a write took effect that returned an error")
	}
	must(t, deny("in time")(t.Context(), s))
}

// An import runs alone. Queued writes wait for it until their contexts end.
func TestWritesWaitForAnImport(t *testing.T) {
	t.Parallel()

	url := storetest.SQLiteURL(t)
	s := open(t, url)
	fixture.Seed(t, s.Store)
	release := occupy(t, s)
	impatient, cancel := context.WithCancel(t.Context())
	went := make(chan error)
	go func() { went <- deny("impatient")(impatient, s) }()
	queued(t, s, 1)
	cancel()
	if err := <-went; !db.IsUnavailable(err) {
		t.Errorf("DenyToken of who went = %v, want it unavailable", err)
	}
	if err := deny("patient")(t.Context(), s); !db.IsUnavailable(err) {
		t.Errorf("DenyToken while an import takes for ever = %v, want it unavailable", err)
	}
	stayed := make(chan error)
	go func() { stayed <- deny("next")(t.Context(), s) }()
	queued(t, s, 1)
	release()
	must(t, <-stayed)
	for jti, want := range map[string]bool{"of the import": true, "impatient": false, "patient": false, "next": true} {
		if got := denied(t, url, jti); got != want {
			t.Errorf("%q is written: %v, want %v", jti, got, want)
		}
	}
}

// A goroutine that exits in a transaction does not affect others.
func TestGoexitInATransactionReleasesTheWriter(t *testing.T) {
	t.Parallel()

	s := open(t, storetest.SQLiteURL(t))
	fixture.Seed(t, s.Store)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.transact(t.Context(), db.RequestTimeout, func(exec func(string, ...any) error) error {
			must(t, exec(`DELETE FROM clients`))
			runtime.Goexit()
			return nil
		})
	}()
	<-ended
	must(t, deny("next")(t.Context(), s))
	_, err := s.Clients.Client(t.Context(), "rp")
	must(t, err)
}

func TestCloseEndsQueuedWrites(t *testing.T) {
	t.Parallel()

	url := storetest.SQLiteURL(t)
	s := open(t, url)
	fixture.Seed(t, s.Store)
	release := occupy(t, s)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			if err := deny(strconv.Itoa(i))(t.Context(), s); !db.IsUnavailable(err) {
				t.Errorf("DenyToken of a store that was closed = %v, want it unavailable", err)
			}
		})
	}
	queued(t, s, 8)
	group.Go(s.Close)
	queued(t, s, 0)
	release()
	group.Wait()
	if !denied(t, url, "of the import") {
		t.Error("what was acknowledged during the close is not there")
	}
}
