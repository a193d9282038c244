package jwks

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/ostiary/ostiary/internal/keyring"
)

// view is the key set as it was read from the store, opened and ready for use.
// It never changes: a new reading makes a new view.
type view struct {
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

func (m *Manager) now() instant {
	return instant{wall: m.config.Now().Round(0), monotonic: m.monotonic()}
}

// stamp is the time to record. When the clock was set back, or the machine
// slept, one of the two clocks says less than the other. The later one is
// recorded, so that nobody takes a key to be older than it is.
func (m *Manager) stamp() time.Time {
	now := m.now()
	if steady := m.began.Add(now.monotonic); steady.After(now.wall) {
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
func (m *Manager) reload(ctx context.Context) (*view, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()

	old, read := m.view.Load(), m.now()
	var known int64
	if m.config.Changes != nil {
		known, _ = m.config.Changes.Version()
	}
	version, records, err := m.config.Store.LoadKeys(ctx)
	if err != nil {
		m.holdBack()
		return nil, err
	}
	v := &view{version: version}
	if old != nil && old.version == version {
		*v = *old
	} else if err := v.open(m.config.Keyring, records, old); err != nil {
		m.holdBack()
		return nil, err
	}
	v.read, v.change = read, known
	m.watch(v.records, old == nil)
	m.view.Store(v)
	return v, nil
}

// holdBack keeps requests from trying what has just failed: while the store is
// gone, Run alone goes on knocking. Where changes are followed, a request may try soon:
// nothing that was read before may be used meanwhile.
func (m *Manager) holdBack() {
	pause := storeTimeout + m.pollInterval()
	if m.config.Changes != nil {
		pause = keySetPatience
	}
	m.retryAt.Store(int64(m.monotonic() + pause))
}

// watch notes which keys came into a new state. Only of keys that are older
// than this process are the recorded times believed, less a margin for clocks
// that disagree and for the time that writing took.
func (m *Manager) watch(records []Record, first bool) {
	now, seen := m.now(), make(map[string]sighting, len(records))
	for _, r := range records {
		s, known := m.seen[r.KID]
		if !known || s.state != r.State {
			s = sighting{state: r.State, at: now.monotonic}
			if first {
				s.before = max(0, now.wall.Sub(r.since())-m.margin())
			}
		}
		seen[r.KID] = s
	}
	m.seen = seen
}

// age is how long the key has surely been in its state. The caller edits.
func (m *Manager) age(r Record) time.Duration {
	s := m.seen[r.KID]
	return s.before + m.monotonic() - s.at
}

// margin is by how much the clocks of two replicas may disagree.
func (m *Manager) margin() time.Duration {
	return min(m.config.CacheLifetime/4, maxMargin)
}

// staleness is how old v may be at most.
func (m *Manager) staleness(v *view) time.Duration {
	now := m.now()
	return max(now.monotonic-v.read.monotonic, now.wall.Sub(v.read.wall))
}

// usable reports whether v is young, and still as in the store as far as that can be
// known.
func (m *Manager) usable(v *view) bool {
	if m.staleness(v) >= m.config.CacheLifetime {
		return false
	}
	if m.config.Changes == nil {
		return true
	}
	known, fresh := m.config.Changes.Version()
	return fresh && v.change >= known
}

// fresh returns a view that is good. A process that was stopped for long finds
// its view too old before Run does, and so reads the store itself.
func (m *Manager) fresh(ctx context.Context) (*view, error) {
	v := m.view.Load()
	if v == nil {
		return nil, fmt.Errorf("%w: the key manager was not started", ErrStale)
	}
	if m.usable(v) {
		return v, nil
	}
	if m.monotonic() < time.Duration(m.retryAt.Load()) {
		return nil, ErrStale
	}
	asked := m.monotonic()
	unlock, err := m.edit(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStale, err)
	}
	defer unlock()

	// Another request may have read the store meanwhile.
	if v = m.view.Load(); v.read.monotonic > asked || m.usable(v) {
		return v, nil
	}
	if m.monotonic() < time.Duration(m.retryAt.Load()) {
		return nil, ErrStale
	}
	if v, err = m.reload(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStale, err)
	}
	return v, nil
}

// lookup finds a key by its kid. A good view knows every key that signs.
func (m *Manager) lookup(kid string) (*key, error) {
	v := m.view.Load()
	if v != nil && v.keys[kid] != nil && (m.config.Changes == nil || m.usable(v)) {
		return v.keys[kid], nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	v, err := m.fresh(ctx)
	if err != nil {
		return nil, err
	}
	if v.keys[kid] == nil {
		return nil, ErrUnknownKey
	}
	return v.keys[kid], nil
}

// open opens records, taking from old what it has opened before.
func (v *view) open(secrets *keyring.Keyring, records []Record, old *view) error {
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

func reopen(secrets *keyring.Keyring, r Record, old *view) (*key, error) {
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
func (v *view) list(alg Algorithm) []Record {
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
