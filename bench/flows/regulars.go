package flows

import (
	"sync"

	"github.com/ostiary/ostiary/bench/target"
)

// regulars are visitors who prepare operations, and stay signed in between.
type regulars struct {
	target *target.Target

	mu    sync.Mutex
	known map[int]*visitor
}

// get returns the i-th, who is for one goroutine.
func (r *regulars) get(i int) (*visitor, error) {
	r.mu.Lock()
	v := r.known[i]
	r.mu.Unlock()
	if v != nil {
		return v, nil
	}
	v, err := arrive(r.target, i)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil {
		r.known = map[int]*visitor{}
	}
	r.known[i] = v
	return v, nil
}

// gather returns tokens of n visits.
func (r *regulars) gather(n int) ([]*tokens, error) {
	shelf := &stock[*tokens]{}
	err := shelf.fill(n, preparers, func(i int) (func() (*tokens, error), error) {
		v, err := r.get(i)
		if err != nil {
			return nil, err
		}
		return v.visit, nil
	})
	return shelf.pieces, err
}

func (r *regulars) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, v := range r.known {
		v.close()
	}
	r.known = nil
}
