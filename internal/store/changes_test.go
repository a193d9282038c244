package store_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// openReplica opens a store with the reading lifetime of production.
func openReplica(t *testing.T, url string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{URL: url, MaxConns: 6})
	must(t, err)
	t.Cleanup(s.Close)
	storetest.AwaitConnection(t, s)
	return s
}

// A read from the cache of another replica sees an acknowledged change, with any number
// of concurrent readers.
func TestAcknowledgedChangeIsInEffectOnAllReplicas(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		changer := openReplica(t, url)
		must(t, changer.Clients.InsertClient(t.Context(), fixture.Client("rp")))
		storetest.Follow(t, changer)
		var acknowledged atomic.Int64
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var readers sync.WaitGroup
		defer readers.Wait()
		for range 2 {
			other := openReplica(t, url)
			storetest.Follow(t, other)
			cache := store.NewClientCache(other, 10)
			for range 2 {
				readers.Go(func() {
					for ctx.Err() == nil {
						least := acknowledged.Load()
						c, err := cache.Client(ctx, "rp")
						if ctx.Err() != nil {
							return
						}
						if err != nil {
							t.Errorf("Client = %v", err)
							return
						}
						if got, _ := strconv.ParseInt(c.ClientName, 10, 64); got < least {
							t.Errorf("a replica has change %d of a client after %d was acknowledged", got, least)
							return
						}
						time.Sleep(100 * time.Microsecond) // other tests need a processor as well
					}
				})
			}
		}
		for n := int64(1); n <= 8; n++ {
			c, err := changer.Clients.Client(t.Context(), "rp")
			must(t, err)
			c.ClientName = strconv.FormatInt(n, 10)
			must(t, changer.Clients.UpdateClient(t.Context(), c))
			acknowledged.Store(n)
			time.Sleep(10 * time.Millisecond) // the caches fill
		}
		stop()
	})
}

// A replica that is stopped during a change delays it for a bounded time, and has no
// cached record when it continues.
func TestStoppedReplicaContinuesWithAnEmptyCache(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		changer, stopped := openReplica(t, url), openReplica(t, url)
		must(t, changer.Clients.InsertClient(t.Context(), fixture.Client("rp")))
		r := stopped.Join(t.Context(), t, 300*time.Millisecond)
		cache := store.NewClientCache(stopped, 10)
		_, err := cache.Client(t.Context(), "rp")
		must(t, err)

		began := time.Now()
		must(t, changer.Clients.DeleteClient(t.Context(), "rp"))
		if took := time.Since(began); took < 300*time.Millisecond {
			t.Errorf("the change was acknowledged after %v, while the other replica may use its reading", took)
		}
		_, err = cache.Client(t.Context(), "rp")
		wantErr(t, "Client of the replica that went on", err, client.ErrNotFound)
		if _, fresh := stopped.Changes().Version(); fresh {
			t.Error("a reading from before the change is still used")
		}

		before := stopped.Replicas(t.Context(), t)
		if len(before) != 1 || !before[0].Suspected {
			t.Fatalf("the replicas are %+v, want the stopped one suspected", before)
		}
		r.Read(t.Context(), t)
		if _, fresh := stopped.Changes().Version(); fresh {
			t.Error("a replica that is suspected uses a reading")
		}
		r.Read(t.Context(), t)
		after := stopped.Replicas(t.Context(), t)
		if len(after) != 1 || after[0].ID == before[0].ID || after[0].Suspected {
			t.Errorf("the replicas are %+v, want the stopped one under a new id", after)
		}
		if _, fresh := stopped.Changes().Version(); !fresh {
			t.Error("the replica that joined again has no reading")
		}
	})
}

// A change waits until the reading is in use, not until it is taken.
func TestReplicaAcknowledgesTheReadingItUses(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		changer, other := openReplica(t, url), openReplica(t, url)
		r := other.Join(t.Context(), t, time.Minute)
		changer.DeferWaits()
		must(t, changer.APIKeys.DeleteAPIKey(t.Context(), insertKey(t, changer, "a")))
		used, _ := other.Changes().Version()
		wantSame(t, "acknowledged, before it read", other.Replicas(t.Context(), t)[0].Seen, used)
		r.Read(t.Context(), t)
		used, _ = other.Changes().Version()
		wantSame(t, "used", used, changer.ChangeCounter(t.Context(), t))
		wantSame(t, "acknowledged", other.Replicas(t.Context(), t)[0].Seen, used)
		changer.Settle(t.Context()) // returns: the only other replica has acknowledged
	})
}

// A killed process delays two changes, or no further change after another process has
// started.
func TestKilledReplicasAreRemoved(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		var log bytes.Buffer
		changer, err := store.Open(t.Context(), store.Config{URL: url, MaxConns: 6, Log: slog.New(slog.NewTextHandler(&log, nil))})
		must(t, err)
		t.Cleanup(changer.Close)
		for _, wait := range []bool{true, true, false} {
			if wait && len(changer.Replicas(t.Context(), t)) == 0 {
				openReplica(t, url).Join(t.Context(), t, 100*time.Millisecond)
			}
			began := time.Now()
			must(t, changer.APIKeys.DeleteAPIKey(t.Context(), insertKey(t, changer, "a")))
			if took := time.Since(began); wait && took < 200*time.Millisecond {
				t.Errorf("a change did not wait for a replica that may live: %v", took)
			}
		}
		wantSame(t, "replicas", len(changer.Replicas(t.Context(), t)), 0)
		if !strings.Contains(log.String(), "a replica did not answer to a change") || strings.Contains(log.String(), "error=") {
			t.Errorf("the log is to name the replica, and no error:\n%s", log.String())
		}

		openReplica(t, url).Join(t.Context(), t, 10*time.Millisecond)
		s := openReplica(t, url)
		storetest.Follow(t, s)
		eventually(t, "the killed replica is forgotten", func() bool { return len(s.Replicas(t.Context(), t)) == 1 })
	})
}

// eventually waits for a condition of a background goroutine.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for until := time.Now().Add(30 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

// A change does not wait for a replica that has left.
func TestReplicaLeaves(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := openReplica(t, url)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		following := make(chan struct{})
		go func() { defer close(ended); s.Follow(ctx, "test", func() { close(following) }) }()
		<-following
		wantSame(t, "replicas", len(s.Replicas(t.Context(), t)), 1)
		stop()
		<-ended
		wantSame(t, "replicas", len(s.Replicas(t.Context(), t)), 0)
		if _, fresh := s.Changes().Version(); fresh {
			t.Error("a reading is used after the replica has left")
		}
	})
}

// Without other replicas a change does not wait.
func TestChangeWithoutReplicasDoesNotWait(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := openReplica(t, url)
		for range 2 {
			before, began := s.Statements(), time.Now()
			must(t, s.Clients.EndClientTokens(t.Context(), insertClient(t, s), noon))
			if took := time.Since(began); took > time.Second {
				t.Errorf("a change took %v alone", took)
			}
			wantSame(t, "statements: insert, end, raise the counter", s.Statements()-before, int64(3))
			storetest.Follow(t, s)
		}
	})
}

func insertClient(t *testing.T, s *store.Store) string {
	t.Helper()
	c := fixture.Client("client-" + strconv.FormatInt(s.Statements(), 10))
	must(t, s.Clients.InsertClient(t.Context(), c))
	return c.ID
}

func insertKey(t *testing.T, s *store.Store, id string) string {
	t.Helper()
	must(t, s.APIKeys.InsertAPIKey(t.Context(), &apikey.Key{ID: id, Name: id, Hash: []byte("hash"), Scopes: []string{"clients:read"}, CreatedAt: noon}))
	return id
}

func TestReadingExpires(t *testing.T) {
	t.Parallel()
	s := openReplica(t, storetest.SQLiteURL(t))
	now := time.Now()
	clock := func() time.Time { return now }
	s.Changes().SetClock(clock)
	s.Join(t.Context(), t, time.Second)
	for _, step := range []struct {
		name string
		at   time.Time
		want bool
	}{
		{"immediately", now, true},
		{"just before a second", now.Add(time.Second - 1), true},
		{"after a second", now.Add(time.Second), false},
	} {
		started := now
		now = step.at
		if _, fresh := s.Changes().Version(); fresh != step.want {
			t.Errorf("%s: fresh = %v, want %v", step.name, fresh, step.want)
		}
		now = started
	}
}

// After a database with an older state has taken over, numbers of changes are used
// twice. A record that was cached under one of them is not used.
func TestLowerCounterInvalidatesCachedRecords(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := openReplica(t, url)
		s.SetChangeCounter(t.Context(), t, 10)
		r := s.Join(t.Context(), t, time.Minute)
		cached, _ := s.Changes().Version()
		s.SetChangeCounter(t.Context(), t, 8)
		r.Read(t.Context(), t)
		s.SetChangeCounter(t.Context(), t, 10)
		r.Read(t.Context(), t)
		if now, _ := s.Changes().Version(); now <= cached {
			t.Errorf("version %d after the counter went back, want more than the %d from before", now, cached)
		}
	})
}

// Every change of a record that replicas cache increments the counter once. A change of
// another record does not make them reload.
func TestMethodsIncrementTheChangeCounter(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		must(t, s.Clients.InsertClient(ctx, fixture.Client("rp")))
		must(t, s.Accounts.InsertAccount(ctx, fixture.Account("alice")))
		rp := func() *client.Client {
			c, err := s.Clients.Client(ctx, "rp")
			must(t, err)
			return c
		}
		key := jwks.Record{KID: "k", Algorithm: jwks.ES256, State: jwks.Current, Sealed: []byte("x")}
		for _, step := range []struct {
			name string
			want int64
			do   func() error
		}{
			{"a new client", 0, func() error { return s.Clients.InsertClient(ctx, fixture.Client("new")) }},
			{"a client changed", 1, func() error { return s.Clients.UpdateClient(ctx, rp()) }},
			{"a client changed, without its consents", 1, func() error { return s.Clients.UpdateClientDroppingConsents(ctx, rp()) }},
			{"a client that changed in the meantime", 0, func() error {
				c := rp()
				c.Version--
				if err := s.Clients.UpdateClient(ctx, c); !errors.Is(err, client.ErrConflict) {
					return err
				}
				return nil
			}},
			{"its secret in another form", 0, func() error { return s.Clients.ReplaceClientSecret(ctx, "rp", rp().Secret, "other") }},
			{"its tokens ended", 1, func() error { return s.Clients.EndClientTokens(ctx, "rp", noon) }},
			{"an import of what is there", 0, func() error { _, _, err := s.Clients.ImportClients(ctx, []*client.Client{rp()}); return err }},
			{"an import of two changes", 1, func() error {
				a, b := fixture.Client("rp"), fixture.Client("new")
				a.ClientName, b.ClientName = "a", "b"
				_, _, err := s.Clients.ImportClients(ctx, []*client.Client{a, b})
				return err
			}},
			{"a client deleted", 1, func() error { return s.Clients.DeleteClient(ctx, "rp") }},
			{"a new API key", 0, func() error { insertKey(t, s, "a"); return nil }},
			{"an API key deleted", 1, func() error { return s.APIKeys.DeleteAPIKey(ctx, "a") }},
			{"a new trusted issuer", 1, func() error { return s.TrustedIssuers.InsertTrust(ctx, aTrust("i", "https://issuer.example", "")) }},
			{"a trusted issuer deleted", 1, func() error { return s.TrustedIssuers.DeleteTrust(ctx, "i") }},
			{"signing keys", 1, func() error { return s.Keys.SaveKeys(ctx, 0, []jwks.Record{key}, nil) }},
			{"a new scope", 1, func() error { return s.Scopes.InsertScope(ctx, &scope.Scope{Name: "hr"}) }},
			{"a scope changed", 1, func() error { return s.Scopes.UpdateScope(ctx, &scope.Scope{Name: "hr", Title: "HR"}, nil) }},
			{"a scope deleted", 1, func() error { return s.Scopes.DeleteScope(ctx, "hr") }},
			{"an account disabled", 1, func() error { return s.Accounts.SetDisabled(ctx, "alice", true, noon) }},
			{"an account enabled", 1, func() error { return s.Accounts.SetDisabled(ctx, "alice", false, noon) }},
			{"an account deleted", 1, func() error { return s.Accounts.DeleteAccount(ctx, "alice", noon) }},
		} {
			before := s.ChangeCounter(ctx, t)
			if err := step.do(); err != nil {
				t.Errorf("%s = %v", step.name, err)
			}
			if got := s.ChangeCounter(ctx, t) - before; got != step.want {
				t.Errorf("%s raised the counter by %d, want %d", step.name, got, step.want)
			}
		}
	})
}

// A command with many changes waits once.
func TestCommandWaitsOnceForItsChanges(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		command, stopped := openReplica(t, url), openReplica(t, url)
		stopped.Join(t.Context(), t, 200*time.Millisecond)
		command.DeferWaits()
		for range 5 {
			must(t, command.APIKeys.DeleteAPIKey(t.Context(), insertKey(t, command, "a")))
		}
		if suspects := stopped.Replicas(t.Context(), t); suspects[0].Suspected {
			t.Error("a change waited by itself")
		}
		before := time.Now()
		command.Settle(t.Context())
		command.Settle(t.Context())
		if waited := time.Since(before); waited < 300*time.Millisecond {
			t.Errorf("all changes together waited %v, want as long as a reading is used", waited)
		}
		wantSame(t, "suspected", stopped.Replicas(t.Context(), t)[0].Suspected, true)
	})
}
