package demo

import (
	"sync"
	"time"
)

// sessionStore holds a bounded number of values in memory, for a limited time.
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

func newSessionStore[V any](now func() time.Time, capacity int, lifetime time.Duration) *sessionStore[V] {
	return &sessionStore[V]{now: now, capacity: capacity, lifetime: lifetime, entries: map[string]entry[V]{}}
}

// put stores value under key. If the store is full, it removes the oldest value.
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

// take returns and removes a value: of concurrent callers one gets it.
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
