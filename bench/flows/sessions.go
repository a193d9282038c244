package flows

import (
	"sync"

	"github.com/ostiary/ostiary/bench/target"
)

// sessions are signed-in browsers that prepare operations, reused between
// preparations.
type sessions struct {
	target *target.Target

	mu    sync.Mutex
	users map[int]*userAgent
}

// get returns the i-th browser, which only one goroutine may use at a time.
func (r *sessions) get(i int) (*userAgent, error) {
	r.mu.Lock()
	v := r.users[i]
	r.mu.Unlock()
	if v != nil {
		return v, nil
	}
	v, err := newSignedInAgent(r.target, i)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.users == nil {
		r.users = map[int]*userAgent{}
	}
	r.users[i] = v
	return v, nil
}

// collectTokens returns the tokens of n authorizations.
func (r *sessions) collectTokens(n int) ([]*tokens, error) {
	collected := &pool[*tokens]{}
	err := collected.fill(n, preparers, func(i int) (func() (*tokens, error), error) {
		v, err := r.get(i)
		if err != nil {
			return nil, err
		}
		return v.authorize, nil
	})
	return collected.items, err
}

func (r *sessions) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, v := range r.users {
		v.close()
	}
	r.users = nil
}
