package client

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// usageInterval is the time between writes of uses, firstUseDelay that until the first use of a client
	// is written, for the administrator who waits for it. usageTimeout bounds each write.
	usageInterval = time.Minute
	firstUseDelay = time.Second
	usageTimeout  = 2 * time.Second
	// maxUses bounds the clients, and their secrets, whose uses wait to be written.
	maxUses = 10_000
)

// Use is the last use of a client, or of one of its secrets.
type Use struct {
	ClientID string
	SecretID string // see [Secret.ID]; empty for the client itself
	At       time.Time
}

// UsageStore stores the last uses of all replicas.
type UsageStore interface {
	// NoteUses stores the uses that are later than the stored ones.
	NoteUses(ctx context.Context, list []Use) error
}

// Usage remembers when clients and secrets were last used, and writes that once a minute. A request
// costs a lookup in memory; a process that is killed loses the uses of the last minute.
type Usage struct {
	Store UsageStore
	Now   func() time.Time
	Log   *slog.Logger

	clients, secrets uses

	once  sync.Once
	first chan struct{} // signals the first use of a client in this process
}

// uses are the last uses by ID.
type uses struct {
	mu      sync.RWMutex
	last    map[string]*use
	written map[string]bool // the keys that were written before, at most maxUses
}

type use struct {
	clientID string
	at       atomic.Int64 // in microseconds
}

// Client notes that a token or a sign-in was issued for the client.
func (u *Usage) Client(id string) {
	if !IsBuiltIn(id) && u.clients.note(id, id, u.Now()) {
		select {
		case u.firstUses() <- struct{}{}:
		default:
		}
	}
}

func (u *Usage) firstUses() chan struct{} {
	u.once.Do(func() { u.first = make(chan struct{}, 1) })
	return u.first
}

// Secret notes that the client has authenticated with the secret.
func (u *Usage) Secret(clientID string, s Secret) { u.secrets.note(clientID, string(s), u.Now()) }

// note reports whether it is the first use under the key in this process.
func (u *uses) note(clientID, key string, now time.Time) (first bool) {
	u.mu.RLock()
	known := u.last[key]
	u.mu.RUnlock()
	if known == nil {
		if known, first = u.add(clientID, key); known == nil {
			return false
		}
	}
	known.at.Store(now.UnixMicro())
	return first
}

// add returns the use of a key, nil if too many wait, and whether it is the first one.
func (u *uses) add(clientID, key string) (_ *use, first bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if known := u.last[key]; known != nil {
		return known, false
	}
	if len(u.last) >= maxUses {
		return nil, false
	}
	if u.last == nil {
		u.last = map[string]*use{}
	}
	added := &use{clientID: clientID}
	u.last[key] = added
	return added, !u.written[key]
}

// take returns and forgets the uses.
func (u *uses) take() map[string]*use {
	u.mu.Lock()
	defer u.mu.Unlock()
	taken := u.last
	u.last = nil
	if u.written == nil {
		u.written = map[string]bool{}
	}
	for key := range taken {
		if len(u.written) < maxUses {
			u.written[key] = true
		}
	}
	return taken
}

// Run writes uses until ctx ends, and then the remaining ones.
func (u *Usage) Run(ctx context.Context) {
	ticker := time.NewTicker(usageInterval)
	defer ticker.Stop()
	for {
		var soon <-chan time.Time
		select {
		case <-ctx.Done():
		case <-ticker.C:
		case <-u.firstUses():
			soon = time.After(firstUseDelay)
		}
		if soon != nil {
			select {
			case <-ctx.Done():
			case <-soon:
			}
		}
		u.Flush(context.WithoutCancel(ctx))
		if ctx.Err() != nil {
			return
		}
	}
}

// Flush writes the uses. They are lost if the store returns an error: the next use replaces them.
func (u *Usage) Flush(ctx context.Context) {
	var list []Use
	for _, taken := range u.clients.take() {
		list = append(list, Use{ClientID: taken.clientID, At: time.UnixMicro(taken.at.Load())})
	}
	for secret, taken := range u.secrets.take() {
		list = append(list, Use{taken.clientID, Secret(secret).ID(), time.UnixMicro(taken.at.Load())})
	}
	if len(list) == 0 {
		return
	}
	// In one order at all replicas, so that their statements do not wait for each other in a circle.
	slices.SortFunc(list, func(a, b Use) int {
		return cmp.Or(cmp.Compare(a.ClientID, b.ClientID), cmp.Compare(a.SecretID, b.SecretID))
	})
	ctx, cancel := context.WithTimeout(ctx, usageTimeout)
	defer cancel()
	if err := u.Store.NoteUses(ctx, list); err != nil {
		u.Log.LogAttrs(ctx, slog.LevelWarn, "last uses of clients not recorded", slog.Int("uses", len(list)), slog.Any("error", err))
	}
}
