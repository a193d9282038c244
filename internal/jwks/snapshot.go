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

// view is the key set as it was read from the store, opened and ready for use.
// It never changes: a new reading makes a new view.
type snapshot struct {
	version int64
	read    instant
	change  int64 // the last change of anything that was known before the reading
	records []Record
	keys    map[string]*key
	current map[Algorithm]*key
	body    []byte
	etag    string
}

// instant is a moment on the clock that can be set and on the one that cannot.
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
	// retryAt is when a request may read the store again after a failure, on the
	// monotonic clock.
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

// stamp is the time to record. When the clock was set back, or the machine
// slept, one of the two clocks says less than the other. The later one is
// recorded, so that nobody takes a key to be older than it is.
func (s *snapshots) timestamp() time.Time {
	now := s.now()
	if steady := s.began.Add(now.monotonic); steady.After(now.wall) {
		return steady
	}
	return now.wall
}

// sighting is when this process saw a key come into its state, and how long
// before that it surely had been there.
type sighting struct {
	state  State
	before time.Duration
	at     time.Duration
}

// reload reads the store and makes what it finds the view. The caller edits.
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

// holdBack keeps requests from trying what has just failed: while the store is
// gone, Run alone goes on knocking. Where changes are followed, a request may try soon:
// nothing that was read before may be used meanwhile.
func (s *snapshots) delayRetry() {
	pause := storeTimeout + s.pollInterval()
	if s.config.Changes != nil {
		pause = retryDelay
	}
	s.retryAt.Store(int64(s.monotonic() + pause))
}

// watch notes which keys came into a new state. Only of keys that are older
// than this process are the recorded times believed, less a margin for clocks
// that disagree and for the time that writing took.
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

// age is how long the key has surely been in its state. The caller edits.
func (s *snapshots) age(r Record) time.Duration {
	sighted := s.seen[r.KID]
	return sighted.before + s.monotonic() - sighted.at
}

// margin is by how much the clocks of two replicas may disagree.
func (s *snapshots) margin() time.Duration {
	return min(s.config.CacheLifetime/4, maxMargin)
}

// staleness is how old v may be at most.
func (s *snapshots) staleness(v *snapshot) time.Duration {
	now := s.now()
	return max(now.monotonic-v.read.monotonic, now.wall.Sub(v.read.wall))
}

// usable reports whether v is young, and still as in the store as far as that can be
// known.
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

// fresh returns a view that is good. A process that was stopped for long finds
// its view too old before Run does, and so reads the store itself.
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
	asked := s.monotonic()
	unlock, err := s.edit(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStale, err)
	}
	defer unlock()

	// Another request may have read the store meanwhile.
	if v = s.current.Load(); v.read.monotonic > asked || s.usable(v) {
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

// lookup finds a key by its kid. A good view knows every key that signs.
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

// open opens records, taking from old what it has opened before.
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
				return fmt.Errorf("the store has two current keys for %s", r.Algorithm)
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

// list returns the records of alg, or all, without private parts.
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

// compareRecords orders the key set alike on every replica: by algorithm, the
// current key first for those clients that look no further.
func compareRecords(a, b Record) int {
	states := []State{Current, Next, Past, Hint}
	return cmp.Or(
		cmp.Compare(slices.Index(allAlgorithms(), a.Algorithm), slices.Index(allAlgorithms(), b.Algorithm)),
		cmp.Compare(slices.Index(states, a.State), slices.Index(states, b.State)),
		a.PublishedAt.Compare(b.PublishedAt),
		cmp.Compare(a.KID, b.KID),
	)
}

// since is when r came into its state, as recorded.
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
