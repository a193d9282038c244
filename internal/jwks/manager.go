package jwks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/admission"
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

// Config configures a [Manager].
type Config struct {
	Store      Store
	Keyring    *keyring.Keyring
	Algorithms []Algorithm
	Now        func() time.Time
	Log        *slog.Logger

	// Changes reports whether the keys may have changed since they were read. If nil, only
	// [Manager.Run] and commands reload them.
	Changes Changes
	// Settle waits until a saved change is in force at every replica; nil does not wait.
	Settle func(ctx context.Context)

	// CacheLifetime is how long clients may cache the key set; 1 h when zero.
	CacheLifetime time.Duration
	// RotateEvery is how long a key signs; 30 days when zero.
	RotateEvery time.Duration
	// TokenLifetime is the longest lifetime of a signed token.
	TokenLifetime time.Duration
	// HintLifetime is the time after its retirement for which a key verifies ID token
	// hints: the longest session lifetime. Past keys are kept at least for their own
	// retention time.
	HintLifetime time.Duration
}

// Manager signs with the current keys, verifies with all of them, and rotates them.
type Manager struct {
	config     Config
	keys       *snapshots
	rotator    *rotator
	signing    *admission.Queue
	signatures *signatureCache
}

// New returns a manager, to be started with [Manager.Start]. Its error lists every invalid
// field of c.
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
	return &Manager{config: c, keys: keys, rotator: &rotator{config: c, keys: keys}, signing: newSigningQueue(), signatures: newSignatureCache()}, nil
}

func (c Config) check() error {
	var faults []error
	require := func(ok bool, fault string) {
		if !ok {
			faults = append(faults, errors.New(fault))
		}
	}
	require(c.Store != nil, "a store is required")
	require(c.Keyring != nil, "system secrets are required")
	require(c.Now != nil, "a clock is required")
	require(c.CacheLifetime > 0, "the cache lifetime must be positive")
	require(c.RotateEvery > 0, "the rotation period must be positive")
	require(c.TokenLifetime > 0, "the longest token lifetime is required")
	require(len(c.Algorithms) > 0, "at least one algorithm is required")
	for i, alg := range c.Algorithms {
		require(slices.Contains(allAlgorithms(), alg), fmt.Sprintf("algorithm %q is not supported", alg))
		require(!slices.Contains(c.Algorithms[:i], alg), fmt.Sprintf("algorithm %q is listed twice", alg))
	}
	return errors.Join(faults...)
}

// Start loads the keys. If the store has no signing keys it generates the current keys, and
// the next keys that are fast to generate; [Manager.Run] generates the others. If several
// replicas start on an empty store, one of them generates the keys.
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

// Run maintains the keys until ctx is done: it reads the changes of other replicas, rotates
// on schedule and removes past keys. It logs an unavailable store, and continues.
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

// runOnce is one iteration of Run.
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
	// After a conflict, another replica has made the change, or the next iteration does.
	scheduled, err := r.planSchedule(v)
	if err != nil {
		return fmt.Errorf("schedule keys: %w", err)
	}
	if err := r.apply(ctx, v, scheduled); err != nil && !errors.Is(err, ErrConflict) {
		return fmt.Errorf("change keys: %w", err)
	}
	return nil
}

// Records returns the stored keys, without their private halves.
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

// Algorithms returns the algorithms that can sign now. An algorithm that was added to the
// configuration of an existing store can sign after one cache lifetime.
func (m *Manager) Algorithms() []Algorithm {
	v := m.keys.current.Load()
	if v == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(m.config.Algorithms), func(alg Algorithm) bool {
		return v.current[alg] == nil
	})
}

// Age returns the time since the current key of alg was activated. It reports false if alg
// has no current key.
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
