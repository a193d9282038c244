// Package cache provides bounded caches: [Map] stores values, and [Cache] reads them
// through and serves a value only while the database has not changed it.
package cache

import "sync"

// Map is a map with a maximum size. When it is full, a new key replaces an arbitrary one,
// so that adding takes constant time.
type Map[K comparable, V any] struct {
	size int

	mu      sync.Mutex
	entries map[K]V
}

// NewMap returns a map of up to size keys, at least one.
func NewMap[K comparable, V any](size int) *Map[K, V] {
	return &Map[K, V]{size: max(size, 1), entries: make(map[K]V)}
}

// Get returns the value of a key.
func (m *Map[K, V]) Get(key K) (value V, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok = m.entries[key]
	return value, ok
}

// Put sets the value of a key.
func (m *Map[K, V]) Put(key K, value V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.entries[key]; !ok && len(m.entries) >= m.size {
		for other := range m.entries {
			delete(m.entries, other)
			break
		}
	}
	m.entries[key] = value
}

// Delete removes a key.
func (m *Map[K, V]) Delete(key K) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.entries, key)
}

// Len returns the number of keys.
func (m *Map[K, V]) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.entries)
}
