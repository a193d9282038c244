package jwks

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// twoTogether delays the first save until the second replica saves too, so that every
// round is a race.
type twoTogether struct {
	mu      sync.Mutex
	arrived int
	gate    chan struct{}
}

func (b *twoTogether) wait() {
	b.mu.Lock()
	b.arrived++
	gate := b.gate
	if b.arrived == 2 {
		close(gate)
	}
	b.mu.Unlock()
	<-gate
}

func (b *twoTogether) reset() {
	b.arrived, b.gate = 0, make(chan struct{})
}

func TestConcurrentRotationsCountOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		wait time.Duration // before each round
		do   func(context.Context, *Manager) error
	}{
		"by command, with a next key that is ready": {time.Hour, func(ctx context.Context, m *Manager) error {
			_, err := m.Rotate(ctx, "")
			return err
		}},
		"by schedule": {30 * 24 * time.Hour, func(ctx context.Context, m *Manager) error { return m.rotator.runOnce(ctx) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, c, both := &memory{}, &clock{}, &twoTogether{}
			managers := make([]*Manager, 2)
			for i := range managers {
				managers[i] = newManager(t, testConfig(t, &link{Store: store, onSave: both.wait}, c, EdDSA), c)
			}
			race := func(do func(context.Context, *Manager) error) {
				both.reset()
				var group sync.WaitGroup
				for _, m := range managers {
					group.Go(func() {
						if err := do(t.Context(), m); err != nil {
							t.Errorf("the loser of a race got %v", err)
						}
					})
				}
				group.Wait()
			}

			race(func(ctx context.Context, m *Manager) error { return m.Start(ctx) })
			if n := len(store.rows); n != 2 {
				t.Fatalf("two replicas starting at once made %d keys, want 2", n)
			}
			for round := range 200 {
				c.advance(tc.wait)
				next := store.inState(EdDSA, Next)
				saved := store.saved
				race(tc.do)
				if got := store.inState(EdDSA, Current); !slices.Equal(got, next) {
					t.Fatalf("round %d: current is %v, want the former next key %v", round, got, next)
				}
				if got := store.inState(EdDSA, Next); len(got) != 1 || slices.Equal(got, next) {
					t.Fatalf("round %d: next is %v after %v, want one new key", round, got, next)
				}
				if store.saved != saved+1 {
					t.Fatalf("round %d: %d changes were saved, want 1", round, store.saved-saved)
				}
				for _, m := range managers {
					if got := signer(t, m, EdDSA); got != next[0] {
						t.Fatalf("round %d: a replica signs with %s, want %s", round, got, next[0])
					}
				}
			}
		})
	}
}

func TestRotateBeforeTheNextKeyIsReady(t *testing.T) {
	t.Parallel()
	m, store, c := started(t, EdDSA)
	first, next := store.inState(EdDSA, Current), store.inState(EdDSA, Next)
	c.advance(time.Minute)

	records, err := m.Rotate(t.Context(), EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != 3 || len(m.keys.current.Load().keys) != 3 {
		t.Errorf("Rotate returned %d keys, want the current, the waiting and a fresh one", len(records))
	}
	for _, r := range records {
		if r.Sealed != nil {
			t.Errorf("Rotate returned the sealed key %s", r.KID)
		}
	}
	c.advance(59*time.Minute - time.Second)
	pass(t, m)
	if got := signer(t, m, EdDSA); got != first[0] {
		t.Errorf("a key published for less than a cache lifetime signs")
	}
	c.advance(time.Second)
	pass(t, m)
	if got := signer(t, m, EdDSA); got != next[0] {
		t.Errorf("the rotation that waited did not happen once the key was ready")
	}
	pass(t, m)
	if got := store.inState(EdDSA, Next); len(got) != 1 {
		t.Errorf("%d next keys are left after the rotation, want 1", len(got))
	}
}

func TestRotateLimitsPendingRotations(t *testing.T) {
	t.Parallel()
	m, _, _ := started(t, EdDSA)
	for i := range maxPendingRotations {
		if _, err := m.Rotate(t.Context(), ""); err != nil {
			t.Fatalf("rotation %d: %v", i, err)
		}
	}
	if _, err := m.Rotate(t.Context(), ""); err == nil {
		t.Error("a rotation beyond the bound was accepted")
	}
}

func TestRotateRejectsUnknownAlgorithm(t *testing.T) {
	t.Parallel()
	m, _, _ := started(t, EdDSA)
	for _, alg := range []Algorithm{ES256, "none", "HS256"} {
		if _, err := m.Rotate(t.Context(), alg); !errors.Is(err, ErrUnknownKey) {
			t.Errorf("Rotate(%q) = %v, want ErrUnknownKey", alg, err)
		}
	}
}

func TestRotatedSince(t *testing.T) {
	t.Parallel()
	line := func(current string, next ...string) keyLine {
		var c keyLine
		if current != "" {
			c.current = &Record{KID: current}
		}
		for _, kid := range next {
			c.next = append(c.next, Record{KID: kid})
		}
		return c
	}
	for name, tc := range map[string]struct {
		old, now keyLine
		want     bool
	}{
		"nothing happened":                       {line("a", "b"), line("a", "b"), false},
		"the next key was promoted":              {line("a", "b"), line("b", "c"), true},
		"another rotation waits":                 {line("a", "b"), line("a", "b", "c"), true},
		"a waiting rotation happened":            {line("a", "b", "c"), line("b", "c"), false},
		"a waiting one happened, another came":   {line("a", "b", "c"), line("b", "c", "d"), true},
		"a missing next key was made":            {line("a"), line("a", "b"), false},
		"a next key was replaced by an import":   {line("a", "b"), line("a", "x"), false},
		"the current key is none we knew":        {line("a", "b"), line("y", "z"), true},
		"the first key of an algorithm began":    {line("", "b"), line("b", "c"), false},
		"a rotation waits without a current key": {line("", "b"), line("", "b", "c"), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tc.now.rotatedSince(tc.old); got != tc.want {
				t.Errorf("rotatedSince = %t, want %t", got, tc.want)
			}
		})
	}
}

func TestNewProcessToleratesClockSkew(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		recorded time.Duration
		promoted bool
	}{
		"the next key was recorded a cache lifetime ago":            {time.Hour, false},
		"the next key was recorded that and a margin ago":           {time.Hour + time.Minute, true},
		"the next key was recorded in the future by a faster clock": {-time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, store, c := started(t, EdDSA)
			next := store.inState(EdDSA, Next)
			c.advance(24 * time.Hour)
			row := store.rows[next[0]]
			row.PublishedAt = c.now().Add(-tc.recorded)
			store.rows[next[0]] = row

			fresh := newManager(t, m.config, c)
			if err := fresh.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := fresh.Rotate(t.Context(), ""); err != nil {
				t.Fatal(err)
			}
			if got := signer(t, fresh, EdDSA) == next[0]; got != tc.promoted {
				t.Errorf("promoted = %t, want %t", got, tc.promoted)
			}
		})
	}
}

func TestKeyActivatedInTheFutureIsRotated(t *testing.T) {
	t.Parallel()
	m, store, c := started(t, EdDSA)
	c.advance(time.Hour)
	next := store.inState(EdDSA, Next)
	c.set(10 * 365 * 24 * time.Hour)
	if _, err := m.Rotate(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	c.set(0)
	waiting := store.inState(EdDSA, Next)
	c.advance(time.Hour)
	pass(t, m)
	if got := signer(t, m, EdDSA); got != waiting[0] {
		t.Errorf("%s signs for ten years more (first came %s), want %s", got, next[0], waiting[0])
	}
}

func TestStaleReplicaDoesNotSign(t *testing.T) {
	t.Parallel()
	for name, age := range map[string]func(*clock){
		"when the store was gone for a cache lifetime":  func(c *clock) { c.advance(time.Hour) },
		"when the machine slept and one clock with it":  func(c *clock) { c.set(time.Hour) },
		"when the clock was set back meanwhile as well": func(c *clock) { c.advance(time.Hour); c.set(-time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, conn := &clock{}, &link{Store: &memory{}}
			m := newManager(t, testConfig(t, conn, c, EdDSA), c)
			if err := m.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			conn.down.Store(true)
			conn.loads.Store(0)
			age(c)
			for range 5 {
				if _, err := m.Sign(t.Context(), EdDSA, "", nil); !errors.Is(err, ErrStale) {
					t.Errorf("Sign = %v, want ErrStale", err)
				}
			}
			if n := conn.loads.Load(); n != 1 {
				t.Errorf("five requests knocked %d times at a store that is gone, want once", n)
			}
			conn.down.Store(false)
			c.advance(time.Minute)
			signer(t, m, EdDSA)
		})
	}
}

func TestNewAlgorithmIsPublishedBeforeItSigns(t *testing.T) {
	t.Parallel()
	m, store, c := started(t, EdDSA)
	config := m.config
	config.Algorithms = []Algorithm{EdDSA, ES256}
	m = newManager(t, config, c)
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	pass(t, m)
	if got := m.Algorithms(); !slices.Equal(got, []Algorithm{EdDSA}) {
		t.Errorf("Algorithms() = %v before the new one can sign, want EdDSA alone", got)
	}
	if _, err := m.Sign(t.Context(), ES256, "", nil); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("Sign = %v, want ErrUnknownKey", err)
	}
	next := store.inState(ES256, Next)
	c.advance(time.Hour)
	pass(t, m)
	if got := m.Algorithms(); !slices.Equal(got, config.Algorithms) {
		t.Errorf("Algorithms() = %v a cache lifetime later, want both", got)
	}
	if got := signer(t, m, ES256); got != next[0] {
		t.Errorf("ES256 signs with %s, want %s", got, next[0])
	}
}

func TestRunRotatesAndSurvivesALostStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &link{Store: &memory{}}
		config := testConfig(t, store, &clock{}, ES256)
		config.Now, config.RotateEvery, config.TokenLifetime = time.Now, 6*time.Hour, time.Hour
		m, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- m.Run(ctx) }()
		first := signer(t, m, ES256)

		time.Sleep(6*time.Hour + time.Minute)
		second := signer(t, m, ES256)
		if second == first {
			t.Error("Run did not rotate when the period was over")
		}
		store.down.Store(true)
		time.Sleep(time.Hour + time.Minute)
		if _, err := m.Sign(t.Context(), ES256, "", nil); !errors.Is(err, ErrStale) {
			t.Errorf("Sign without a store for longer than the cache lifetime = %v, want ErrStale", err)
		}
		store.down.Store(false)
		time.Sleep(time.Minute)
		if got := signer(t, m, ES256); got != second {
			t.Errorf("after the store came back %s signs, want %s", got, second)
		}
		time.Sleep(2 * time.Hour)
		if records, err := m.Records(t.Context()); err != nil || len(records) != 2 {
			t.Errorf("Records() = %d keys and %v, want 2: the past key has served its time", len(records), err)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run() = %v when its context ended, want nil", err)
		}
	})
}
