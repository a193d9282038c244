package jwks

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/keyring"
)

const (
	secretA = "the first system secret, of enough bytes"
	secretB = "another system secret, long enough too.."
)

var errDown = errors.New("connection refused")

// memory is a store in a map, with the compare-and-set of the contract.
type memory struct {
	mu      sync.Mutex
	version int64
	rows    map[string]Record
	saved   int
}

func (s *memory) LoadKeys(context.Context) (int64, []Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version, slices.Collect(maps.Values(s.rows)), nil
}

func (s *memory) SaveKeys(_ context.Context, version int64, put []Record, remove []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if version != s.version {
		return ErrConflict
	}
	if s.rows == nil {
		s.rows = make(map[string]Record)
	}
	for _, r := range put {
		s.rows[r.KID] = r
	}
	for _, kid := range remove {
		delete(s.rows, kid)
	}
	s.version++
	s.saved++
	return nil
}

// inState returns the kids of the keys of alg in a state.
func (s *memory) inState(alg Algorithm, state State) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var kids []string
	for _, r := range s.rows {
		if r.Algorithm == alg && r.State == state {
			kids = append(kids, r.KID)
		}
	}
	slices.Sort(kids)
	return kids
}

// link is the connection of one replica to the store, which a test can interrupt or delay.
type link struct {
	Store
	down   atomic.Bool
	loads  atomic.Int64
	onSave func()
}

func (l *link) LoadKeys(ctx context.Context) (int64, []Record, error) {
	l.loads.Add(1)
	if l.down.Load() {
		return 0, nil, errDown
	}
	return l.Store.LoadKeys(ctx)
}

func (l *link) SaveKeys(ctx context.Context, version int64, put []Record, remove []string) error {
	if l.down.Load() {
		return errDown
	}
	if l.onSave != nil {
		l.onSave()
	}
	return l.Store.SaveKeys(ctx, version, put, remove)
}

// clock is the clock of a machine: wall can be set, elapsed is monotonic.
type clock struct {
	mu      sync.Mutex
	elapsed time.Duration
	offset  time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(c.elapsed + c.offset)
}

func (c *clock) monotonic() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.elapsed
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.elapsed += d
}

func (c *clock) set(offset time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset = offset
}

func testConfig(tb testing.TB, store Store, c *clock, algs ...Algorithm) Config {
	tb.Helper()
	secrets, err := keyring.New(secretA)
	if err != nil {
		tb.Fatal(err)
	}
	return Config{
		Store: store, Keyring: secrets, Algorithms: algs, Now: c.now, Log: slog.New(slog.DiscardHandler),
		CacheLifetime: time.Hour, RotateEvery: 30 * 24 * time.Hour, TokenLifetime: 24 * time.Hour,
	}
}

// newManager returns a manager that uses the clock of the test as its monotonic clock.
func newManager(tb testing.TB, config Config, c *clock) *Manager {
	tb.Helper()
	m, err := New(config)
	if err != nil {
		tb.Fatal(err)
	}
	base := c.monotonic()
	m.keys.monotonic = func() time.Duration { return c.monotonic() - base }
	return m
}

// started returns a manager that has generated all keys in an empty store.
func started(tb testing.TB, algs ...Algorithm) (*Manager, *memory, *clock) {
	tb.Helper()
	store, c := &memory{}, &clock{}
	m := newManager(tb, testConfig(tb, store, c, algs...), c)
	if err := m.Start(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	pass(tb, m)
	return m, store, c
}

func pass(tb testing.TB, m *Manager) {
	tb.Helper()
	if err := m.rotator.runOnce(tb.Context()); err != nil {
		tb.Fatalf("pass: %v", err)
	}
}

// signer returns the kid of the current key of alg.
func signer(tb testing.TB, m *Manager, alg Algorithm) string {
	tb.Helper()
	token, err := m.Sign(tb.Context(), alg, "", []byte("{}"))
	if err != nil {
		tb.Fatalf("Sign(%s): %v", alg, err)
	}
	_, kid, err := m.Verify(token, "")
	if err != nil {
		tb.Fatalf("Verify of a token signed just now: %v", err)
	}
	return kid
}

func keyringOf(tb testing.TB, secrets ...string) *keyring.Keyring {
	tb.Helper()
	k, err := keyring.New(secrets...)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}
