package jwks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/keyring"
)

// Defaults and bounds of a [Config].
const (
	defaultCacheLifetime = time.Hour
	defaultRotateEvery   = 30 * 24 * time.Hour
	maxPollInterval      = 5 * time.Second
	maxMargin            = time.Minute
	storeTimeout         = 10 * time.Second
	retryDelay           = time.Second // for which the key set waits for the store
)

// Config says what a [Manager] works with.
type Config struct {
	Store      Store
	Keyring    *keyring.Keyring
	Algorithms []Algorithm
	Now        func() time.Time
	Log        *slog.Logger

	// Changes tells whether the keys may have changed since they were read. When nil,
	// they are reloaded only by [Manager.Run] and by commands.
	Changes Changes
	// Settle returns when what was saved is in force at every replica; nil does nothing.
	Settle func(ctx context.Context)

	// CacheLifetime is how long clients may cache the key set; 1 h when zero.
	CacheLifetime time.Duration
	// RotateEvery is how long a key signs; 30 days when zero.
	RotateEvery time.Duration
	// TokenLifetime is the longest life of any token signed.
	TokenLifetime time.Duration
	// HintLifetime is how long after its retirement a key verifies ID token hints: as
	// long as a session may last. When it is not above what past keys are kept for
	// anyway, they are removed then.
	HintLifetime time.Duration
}

// Manager signs with the current keys, verifies with all of them, and rotates them.
type Manager struct {
	config     Config
	keys       *snapshots
	rotator    *rotator
	limiter    signingLimiter
	signatures signatureCache
}

// New makes a manager, which is of use after [Manager.Start]. Its error lists
// every fault of c.
func New(c Config) (*Manager, error) {
	if c.CacheLifetime == 0 {
		c.CacheLifetime = defaultCacheLifetime
	}
	if c.RotateEvery == 0 {
		c.RotateEvery = defaultRotateEvery
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Algorithms = slices.Clone(c.Algorithms)
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("key manager: %w", err)
	}
	keys := newSnapshots(c)
	return &Manager{config: c, keys: keys, rotator: &rotator{config: c, keys: keys}, limiter: newSigningLimiter()}, nil
}

func (c Config) check() error {
	var faults []error
	demand := func(ok bool, fault string) {
		if !ok {
			faults = append(faults, errors.New(fault))
		}
	}
	demand(c.Store != nil, "a store is needed")
	demand(c.Keyring != nil, "system secrets are needed")
	demand(c.Now != nil, "a clock is needed")
	demand(c.CacheLifetime > 0, "the cache lifetime must be positive")
	demand(c.RotateEvery > 0, "the rotation period must be positive")
	demand(c.TokenLifetime > 0, "the longest token lifetime must be given")
	demand(len(c.Algorithms) > 0, "an algorithm is needed")
	for i, alg := range c.Algorithms {
		demand(slices.Contains(allAlgorithms(), alg), fmt.Sprintf("algorithm %q is not supported", alg))
		demand(!slices.Contains(c.Algorithms[:i], alg), fmt.Sprintf("algorithm %q is given twice", alg))
	}
	return errors.Join(faults...)
}

// Start loads the keys. In a store without any that sign it makes the current keys,
// and those next keys that take no time; the rest comes with [Manager.Run]. Of many
// replicas that start at once on an empty store one makes the keys.
func (m *Manager) Start(ctx context.Context) error {
	unlock, err := m.keys.edit(ctx)
	if err != nil {
		return fmt.Errorf("load keys: %w", err)
	}
	defer unlock()

	v, err := m.keys.reload(ctx)
	if err != nil {
		return fmt.Errorf("load keys: %w", err)
	}
	for _, k := range v.keys {
		if k.signer != nil {
			return nil
		}
	}
	if err := m.rotator.apply(ctx, v, m.rotator.firstKeys()); err != nil && !errors.Is(err, ErrConflict) {
		return fmt.Errorf("make the first keys: %w", err)
	}
	return nil
}

// Run keeps the keys until ctx ends: it reads what other replicas changed,
// rotates on schedule, and removes past keys. A lost store is logged, and only
// makes the view older.
func (m *Manager) Run(ctx context.Context) error {
	tick := time.NewTicker(m.keys.pollInterval())
	defer tick.Stop()
	failing := false
	for {
		err := m.rotator.runOnce(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !failing:
			m.config.Log.LogAttrs(ctx, slog.LevelError, "signing keys not renewed", slog.Any("error", err))
		case err == nil && failing:
			m.config.Log.LogAttrs(ctx, slog.LevelInfo, "signing keys renewed again")
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// pass does once what Run repeats.
func (r *rotator) runOnce(ctx context.Context) error {
	unlock, err := r.keys.edit(ctx)
	if err != nil {
		return err
	}
	defer unlock()

	v, err := r.keys.reload(ctx)
	if err != nil {
		return fmt.Errorf("load keys: %w", err)
	}
	// Whoever won a race has done what we were about to do, or the next pass does.
	scheduled, err := r.planSchedule(v)
	if err != nil {
		return fmt.Errorf("schedule keys: %w", err)
	}
	if err := r.apply(ctx, v, scheduled); err != nil && !errors.Is(err, ErrConflict) {
		return fmt.Errorf("change keys: %w", err)
	}
	return nil
}

// Records lists the keys as the store has them now, without private parts.
func (m *Manager) Records(ctx context.Context) ([]Record, error) {
	unlock, err := m.keys.edit(ctx)
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	defer unlock()

	v, err := m.keys.reload(ctx)
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	return v.list(""), nil
}

// Algorithms lists the algorithms that can sign now. One that was newly
// configured for a store with keys joins a cache lifetime later.
func (m *Manager) Algorithms() []Algorithm {
	v := m.keys.current.Load()
	if v == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(m.config.Algorithms), func(alg Algorithm) bool {
		return v.current[alg] == nil
	})
}

// Age returns for how long the current key of an algorithm has been signing, and false
// if there is none.
func (m *Manager) Age(alg Algorithm) (time.Duration, bool) {
	v := m.keys.current.Load()
	if v == nil {
		return 0, false
	}
	for _, r := range v.records {
		if r.Algorithm == alg && r.State == Current {
			return m.config.Now().Sub(r.ActivatedAt), true
		}
	}
	return 0, false
}

// edit waits for the sole right to reload and change.
func (s *snapshots) edit(ctx context.Context) (unlock func(), err error) {
	select {
	case s.editing <- struct{}{}:
		return func() { <-s.editing }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// pollInterval is how often Run reads the store: often enough that views are
// always young, and that a rotation by command is soon seen by every replica.
func (s *snapshots) pollInterval() time.Duration {
	return max(time.Millisecond, min(s.config.CacheLifetime/20, maxPollInterval))
}
