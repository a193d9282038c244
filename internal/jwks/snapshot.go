package jwks

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/keyring"
)

// snapshot is the key set of one reading of the store, with opened keys. It is immutable.
type snapshot struct {
	version int64
	read    instant
	change  int64 // the last change number that was known before the reading
	records []Record
	keys    map[string]*key
	current map[Algorithm]*key
	body    []byte
	etag    string
}

// instant is a time on the wall clock and on the monotonic clock.
type instant struct {
	wall      time.Time
	monotonic time.Duration
}

// snapshots holds the current snapshot and reads the next one from the store.
type snapshots struct {
	config Config
	// began is the time of New, and monotonic the time since then on a clock that
	// cannot be set.
	began     time.Time
	monotonic func() time.Duration
	current   atomic.Pointer[snapshot]

	// editing is held while the store is read or changed.
	editing chan struct{}
	// seen is guarded by editing.
	seen map[string]sighting
	// retryAt is the time, on the monotonic clock, from which a request may read the store
	// again after a failure.
	retryAt atomic.Int64
}

func newSnapshots(c Config) *snapshots {
	began := c.Now()
	s := &snapshots{
		config:    c,
		began:     began.Round(0),
		monotonic: func() time.Duration { return c.Now().Sub(began) },
		editing:   make(chan struct{}, 1),
	}
	s.retryAt.Store(math.MinInt64)
	return s
}

func (s *snapshots) now() instant {
	return instant{wall: s.config.Now().Round(0), monotonic: s.monotonic()}
}

// timestamp returns the time to record. After the wall clock was set back, or the machine
// slept, the clocks differ. The later time is recorded, so that a key never seems older
// than it is.
func (s *snapshots) timestamp() time.Time {
	now := s.now()
	if steady := s.began.Add(now.monotonic); steady.After(now.wall) {
		return steady
	}
	return now.wall
}

// sighting is the time at which this process first saw a key in its state, and the minimum
// time that the key had been in that state before.
type sighting struct {
	state  State
	before time.Duration
	at     time.Duration
}

// reload reads the store and replaces the snapshot. The caller must hold the edit lock.
func (s *snapshots) reload(ctx context.Context) (*snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()

	old, read := s.current.Load(), s.now()
	var known int64
	if s.config.Changes != nil {
		known, _ = s.config.Changes.Version()
	}
	version, records, err := s.config.Store.LoadKeys(ctx)
	if err != nil {
		s.delayRetry()
		return nil, err
	}
	v := &snapshot{version: version}
	if old != nil && old.version == version {
		*v = *old
	} else if err := v.open(s.config.Keyring, records, old); err != nil {
		s.delayRetry()
		return nil, err
	}
	v.read, v.change = read, known
	s.recordSightings(v.records, old == nil)
	s.current.Store(v)
	return v, nil
}

// delayRetry stops requests from reading the store for a while after a failure; only Run
// continues. With Changes the delay is short, since no older snapshot may be used.
func (s *snapshots) delayRetry() {
	pause := storeTimeout + s.pollInterval()
	if s.config.Changes != nil {
		pause = retryDelay
	}
	s.retryAt.Store(int64(s.monotonic() + pause))
}

// recordSightings records the keys that are in a new state. For keys that are older than this
// process it uses the recorded times, reduced by a margin for clock skew and write latency.
func (s *snapshots) recordSightings(records []Record, first bool) {
	now, seen := s.now(), make(map[string]sighting, len(records))
	for _, r := range records {
		sighted, known := s.seen[r.KID]
		if !known || sighted.state != r.State {
			sighted = sighting{state: r.State, at: now.monotonic}
			if first {
				sighted.before = max(0, now.wall.Sub(r.since())-s.margin())
			}
		}
		seen[r.KID] = sighted
	}
	s.seen = seen
}

// age returns the minimum time that the key has been in its state. The caller must hold the
// edit lock.
func (s *snapshots) age(r Record) time.Duration {
	sighted := s.seen[r.KID]
	return sighted.before + s.monotonic() - sighted.at
}

// margin returns the tolerated clock skew between replicas.
func (s *snapshots) margin() time.Duration {
	return min(s.config.CacheLifetime/4, maxMargin)
}

// staleness returns the maximum possible age of v.
func (s *snapshots) staleness(v *snapshot) time.Duration {
	now := s.now()
	return max(now.monotonic-v.read.monotonic, now.wall.Sub(v.read.wall))
}

// usable reports whether v is younger than the cache lifetime and no later change is known.
func (s *snapshots) usable(v *snapshot) bool {
	if s.staleness(v) >= s.config.CacheLifetime {
		return false
	}
	if s.config.Changes == nil {
		return true
	}
	known, fresh := s.config.Changes.Version()
	return fresh && v.change >= known
}

// usableSnapshot returns a usable snapshot. It reads the store if the current one is too old,
// for example after the process was suspended.
func (s *snapshots) usableSnapshot(ctx context.Context) (*snapshot, error) {
	v := s.current.Load()
	if v == nil {
		return nil, fmt.Errorf("%w: the key manager was not started", ErrStale)
	}
	if s.usable(v) {
		return v, nil
	}
	if s.monotonic() < time.Duration(s.retryAt.Load()) {
		return nil, ErrStale
	}
	began := s.monotonic()
	unlock, err := s.edit(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStale, err)
	}
	defer unlock()

	// Another request may have read the store in the meantime.
	if v = s.current.Load(); v.read.monotonic > began || s.usable(v) {
		return v, nil
	}
	if s.monotonic() < time.Duration(s.retryAt.Load()) {
		return nil, ErrStale
	}
	if v, err = s.reload(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStale, err)
	}
	return v, nil
}

// lookup returns the key with the kid. A usable snapshot contains every signing key.
func (s *snapshots) lookup(kid string) (*key, error) {
	v := s.current.Load()
	if v != nil && v.keys[kid] != nil && (s.config.Changes == nil || s.usable(v)) {
		return v.keys[kid], nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	v, err := s.usableSnapshot(ctx)
	if err != nil {
		return nil, err
	}
	if v.keys[kid] == nil {
		return nil, ErrUnknownKey
	}
	return v.keys[kid], nil
}

// open opens records, reusing the keys that are already open in old.
func (v *snapshot) open(secrets *keyring.Keyring, records []Record, old *snapshot) error {
	v.keys = make(map[string]*key, len(records))
	v.current = make(map[Algorithm]*key)
	v.records = slices.SortedFunc(slices.Values(records), compareRecords)
	set := jose.JSONWebKeySet{Keys: make([]jose.JSONWebKey, 0, len(records))}
	for _, r := range v.records {
		k, err := reopen(secrets, r, old)
		if err != nil {
			return fmt.Errorf("open %s key %s: %w", r.Algorithm, r.KID, err)
		}
		if r.State == Current {
			if v.current[r.Algorithm] != nil {
				return fmt.Errorf("the store contains two current keys for %s", r.Algorithm)
			}
			v.current[r.Algorithm] = k
		}
		v.keys[r.KID] = k
		if r.State != Hint {
			set.Keys = append(set.Keys, k.public)
		}
	}
	body, err := json.Marshal(set)
	if err != nil {
		return fmt.Errorf("encode key set: %w", err)
	}
	sum := sha256.Sum256(body)
	v.body, v.etag = body, `"`+base64.RawURLEncoding.EncodeToString(sum[:16])+`"`
	return nil
}

func reopen(secrets *keyring.Keyring, r Record, old *snapshot) (*key, error) {
	if old != nil {
		if k := old.keys[r.KID]; k != nil && k.record.Algorithm == r.Algorithm && bytes.Equal(k.record.Sealed, r.Sealed) {
			same := *k
			same.record = r
			return &same, nil
		}
	}
	return openKey(secrets, r)
}

// list returns the records of alg, or of all algorithms if alg is empty, without private halves.
func (v *snapshot) list(alg Algorithm) []Record {
	var records []Record
	for _, r := range v.records {
		if alg == "" || r.Algorithm == alg {
			r.Sealed = nil
			records = append(records, r)
		}
	}
	return records
}

// compareRecords defines the order of the key set, which is the same on every replica: by
// algorithm, with the current key first, since some clients use only the first key.
func compareRecords(a, b Record) int {
	states := []State{Current, Next, Past, Hint}
	return cmp.Or(
		cmp.Compare(slices.Index(allAlgorithms(), a.Algorithm), slices.Index(allAlgorithms(), b.Algorithm)),
		cmp.Compare(slices.Index(states, a.State), slices.Index(states, b.State)),
		a.PublishedAt.Compare(b.PublishedAt),
		cmp.Compare(a.KID, b.KID),
	)
}

// since returns the recorded time at which r entered its state.
func (r Record) since() time.Time {
	switch r.State {
	case Current:
		return r.ActivatedAt
	case Past, Hint:
		return r.RetiredAt
	case Next:
	}
	return r.PublishedAt
}

// edit waits for the edit lock, which guards reloads and changes.
func (s *snapshots) edit(ctx context.Context) (unlock func(), err error) {
	select {
	case s.editing <- struct{}{}:
		return func() { <-s.editing }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// pollInterval returns the interval at which Run reads the store: short enough that snapshots
// stay young and every replica soon sees a rotation by command.
func (s *snapshots) pollInterval() time.Duration {
	return max(time.Millisecond, min(s.config.CacheLifetime/20, maxPollInterval))
}
