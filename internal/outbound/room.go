package outbound

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ostiary/ostiary/internal/client"
)

const (
	// maxFetches and maxPerHost bound the fetches that are under way at once:
	// anybody can begin an authorization request that needs one.
	maxFetches = 128
	maxPerHost = 16
	// queueing is how long a fetch waits for its turn.
	queueing = 500 * time.Millisecond
)

// room is what fetches take a place in, so that they are only so many. A host that
// hangs takes places from itself before it takes them from others.
type room struct {
	all chan struct{}

	mu    sync.Mutex
	hosts map[string]*places
}

// places are those of one host. They exist while somebody has or wants one.
type places struct {
	taken chan struct{}
	users int
}

func newRoom() *room {
	return &room{all: make(chan struct{}, maxFetches), hosts: make(map[string]*places)}
}

// enter takes a place until leave is called. Its error is [client.ErrBusy].
func (r *room) enter(ctx context.Context, host string) (leave func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, queueing)
	defer cancel()
	own := r.places(host)
	for _, place := range []chan struct{}{own.taken, r.all} {
		select {
		case place <- struct{}{}:
		case <-ctx.Done():
			if place == r.all {
				<-own.taken
			}
			r.forget(host, own)
			return nil, fmt.Errorf("%w: %w", client.ErrBusy, ctx.Err())
		}
	}
	return func() {
		<-r.all
		<-own.taken
		r.forget(host, own)
	}, nil
}

func (r *room) places(host string) *places {
	r.mu.Lock()
	defer r.mu.Unlock()
	own, ok := r.hosts[host]
	if !ok {
		own = &places{taken: make(chan struct{}, maxPerHost)}
		r.hosts[host] = own
	}
	own.users++
	return own
}

func (r *room) forget(host string, own *places) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if own.users--; own.users == 0 {
		delete(r.hosts, host)
	}
}
