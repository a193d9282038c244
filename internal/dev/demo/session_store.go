package demo

import (
	"sync"
	"time"
)

// shelf keeps a bounded number of things for a bounded time, in memory: what a
// demo needs in place of a database.
type sessionStore[V any] struct {
	now      func() time.Time
	capacity int
	lifetime time.Duration

	mu      sync.Mutex
	entries map[string]entry[V]
}

type entry[V any] struct {
	value V
	ends  time.Time
}

func newSessionStore[V any](now func() time.Time, room int, life time.Duration) *sessionStore[V] {
	return &sessionStore[V]{now: now, capacity: room, lifetime: life, entries: map[string]entry[V]{}}
}

// put keeps value under key. When the shelf is full the oldest thing makes room.
func (s *sessionStore[V]) put(key string, value V) {
	s.mu.Lock()
	defer s.mu.Unlock()

	now := s.now()
	var oldest string
	for k, t := range s.entries {
		if !now.Before(t.ends) {
			delete(s.entries, k)
		} else if oldest == "" || t.ends.Before(s.entries[oldest].ends) {
			oldest = k
		}
	}
	if len(s.entries) >= s.capacity {
		delete(s.entries, oldest)
	}
	s.entries[key] = entry[V]{value, now.Add(s.lifetime)}
}

func (s *sessionStore[V]) get(key string) (V, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()

	t, ok := s.entries[key]
	if !ok || !s.now().Before(t.ends) {
		var none V
		return none, false
	}
	return t.value, true
}

// take is get, once: of any number of callers one gets the value.
func (s *sessionStore[V]) take(key string) (V, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()

	t, ok := s.entries[key]
	delete(s.entries, key)
	if !ok || !s.now().Before(t.ends) {
		var none V
		return none, false
	}
	return t.value, true
}
