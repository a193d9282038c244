package cache

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Changes reports whether records that were read earlier may have changed.
type Changes interface {
	// Version returns the number of the last known change. fresh is false if that number is
	// too old: no record that was read earlier may then be used.
	Version() (version int64, fresh bool)
}

// Config configures a [Cache].
type Config[K comparable, V any] struct {
	// Size is the maximum number of values.
	Size int
	// Read reads the value of a key. Its context does not end with the request.
	Read func(ctx context.Context, key K) (V, error)
	// Changes invalidates values that were read before the last change; nil never does.
	Changes Changes
	// TTL is how long a value is used, 0 for no limit.
	TTL time.Duration
	// Now is required with TTL or Valid.
	Now func() time.Time
	// Valid reports whether a value is still valid at a time; nil means that it is.
	Valid func(value V, now time.Time) bool
	// Store reports whether a value is stored at all; nil means that it is. Errors never are.
	Store func(value V) bool
}

// Cache reads values through and stores them. Concurrent requests for a key share one
// read. Values are shared: the caller must not change them.
//
// With [Changes] a value is used only while the database has not changed since the read
// began. Without a fresh number of changes nothing is stored or shared: a request must not
// use a read that began before it.
type Cache[K comparable, V any] struct {
	config Config[K, V]
	values *Map[K, *entry[V]]

	mu      sync.Mutex
	reading map[K]*read[V]
}

// entry is a stored value.
type entry[V any] struct {
	value   V
	version int64     // the last known change when the read began
	at      time.Time // when the read began; zero without Now
}

// read is a read in progress until done is closed.
type read[V any] struct {
	version int64
	done    chan struct{}
	value   V
	err     error
}

// New returns an empty cache.
func New[K comparable, V any](c Config[K, V]) *Cache[K, V] {
	return &Cache[K, V]{config: c, values: NewMap[K, *entry[V]](c.Size), reading: make(map[K]*read[V])}
}

// Get returns the value of a key.
func (c *Cache[K, V]) Get(ctx context.Context, key K) (V, error) {
	var version int64
	if c.config.Changes != nil {
		current, fresh := c.config.Changes.Version()
		if !fresh {
			return c.config.Read(ctx, key)
		}
		version = current
	}
	if value, ok := c.lookup(key, version); ok {
		return value, nil
	}
	r, value, state := c.begin(key, version)
	switch state {
	case stored:
		return value, nil
	case begun:
		// Other requests wait for this read, so it does not end with this one.
		c.read(context.WithoutCancel(ctx), key, r)
		return r.value, r.err
	case waiting:
	}
	select {
	case <-r.done:
		return r.value, r.err
	case <-ctx.Done():
		return value, fmt.Errorf("wait for a read: %w", ctx.Err())
	}
}

// lookup returns the stored value of a key if it is valid.
func (c *Cache[K, V]) lookup(key K, version int64) (value V, ok bool) {
	e, ok := c.values.Get(key)
	if !ok || e.version < version {
		return value, false
	}
	if c.config.Now == nil {
		return e.value, true
	}
	now := c.config.Now()
	age := now.Sub(e.at)
	if c.config.TTL > 0 && (age < 0 || age >= c.config.TTL) || c.config.Valid != nil && !c.config.Valid(e.value, now) {
		return value, false
	}
	return e.value, true
}

// state is the result of begin.
type state int

const (
	stored  state = iota // another request has just stored the value
	begun                // this request reads
	waiting              // another request reads
)

// begin registers a read of a key, unless another request has done so.
func (c *Cache[K, V]) begin(key K, version int64) (r *read[V], value V, s state) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r, ok := c.reading[key]; ok && r.version >= version {
		return r, value, waiting
	}
	if value, ok := c.lookup(key, version); ok {
		return nil, value, stored
	}
	r = &read[V]{version: version, done: make(chan struct{})}
	c.reading[key] = r
	return r, value, begun
}

// errPanic is the result for requests that wait for a read that panics.
var errPanic = errors.New("the read panicked")

// read reads the value of a key and stores it.
func (c *Cache[K, V]) read(ctx context.Context, key K, r *read[V]) {
	var at time.Time
	if c.config.Now != nil {
		at = c.config.Now()
	}
	r.err = errPanic
	defer c.finish(key, r, at)
	r.value, r.err = c.config.Read(ctx, key)
}

// finish ends a read and stores its value, unless the key was forgotten or a newer read
// has begun.
func (c *Cache[K, V]) finish(key K, r *read[V], at time.Time) {
	defer close(r.done)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reading[key] != r {
		return
	}
	delete(c.reading, key)
	if r.err == nil && (c.config.Store == nil || c.config.Store(r.value)) {
		c.values.Put(key, &entry[V]{value: r.value, version: r.version, at: at})
	}
}

// Len returns the number of stored values.
func (c *Cache[K, V]) Len() int { return c.values.Len() }

// Forget removes a key. Later requests do not share a read that is in progress.
func (c *Cache[K, V]) Forget(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.reading, key)
	c.values.Delete(key)
}
