package demo

import (
	"sync"
	"time"
)

// shelf keeps a bounded number of things for a bounded time, in memory: what a
// demo needs in place of a database.
type shelf[V any] struct {
	now  func() time.Time
	room int
	life time.Duration

	mu     sync.Mutex
	things map[string]thing[V]
}

type thing[V any] struct {
	value V
	ends  time.Time
}

func newShelf[V any](now func() time.Time, room int, life time.Duration) *shelf[V] {
	return &shelf[V]{now: now, room: room, life: life, things: map[string]thing[V]{}}
}

// put keeps value under key. When the shelf is full the oldest thing makes room.
func (s *shelf[V]) put(key string, value V) {
	s.mu.Lock()
	defer s.mu.Unlock()

	now := s.now()
	var oldest string
	for k, t := range s.things {
		if !now.Before(t.ends) {
			delete(s.things, k)
		} else if oldest == "" || t.ends.Before(s.things[oldest].ends) {
			oldest = k
		}
	}
	if len(s.things) >= s.room {
		delete(s.things, oldest)
	}
	s.things[key] = thing[V]{value, now.Add(s.life)}
}

func (s *shelf[V]) get(key string) (V, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()

	t, ok := s.things[key]
	if !ok || !s.now().Before(t.ends) {
		var none V
		return none, false
	}
	return t.value, true
}

// take is get, once: of any number of callers one gets the value.
func (s *shelf[V]) take(key string) (V, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()

	t, ok := s.things[key]
	delete(s.things, key)
	if !ok || !s.now().Before(t.ends) {
		var none V
		return none, false
	}
	return t.value, true
}
