package outbound

import (
	"container/list"
	"context"
	"errors"
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
	// hanging is after what time a fetch gives way to one that waits.
	hanging = time.Second
)

// errGaveWay is why a fetch was ended that hung while another one waited.
var errGaveWay = errors.New("gave way to another fetch")

// room is what fetches take a place in, so that they are only so many. A host that
// hangs takes places from itself before it takes them from others, and where hosts that
// hang have all places, the fetch that has taken longest gives way to one that waits.
type room struct {
	all chan struct{}

	mu      sync.Mutex
	hosts   map[string]*places
	running list.List // of *fetch, the oldest in front
}

// fetch is one that is under way.
type fetch struct {
	end   context.CancelCauseFunc
	watch *time.Timer
	hangs bool // it has taken long enough to give way; guarded by room.mu
}

// places are those of one host. They exist while somebody has or wants one.
type places struct {
	taken chan struct{}
	users int
}

func newRoom() *room {
	return &room{all: make(chan struct{}, maxFetches), hosts: make(map[string]*places)}
}

// enter takes a place until leave is called. The fetch uses the context that it returns,
// whose cause is errGaveWay once the place is somebody else's. Its error is
// [client.ErrBusy].
func (r *room) enter(ctx context.Context, host string) (of context.Context, leave func(), err error) {
	own := r.places(host)
	if err := await(ctx, own.taken); err != nil {
		r.forget(host, own)
		return nil, nil, err
	}
	err = await(ctx, r.all)
	if err != nil && ctx.Err() == nil && r.giveWay() {
		err = await(ctx, r.all)
	}
	if err != nil {
		<-own.taken
		r.forget(host, own)
		return nil, nil, err
	}
	of, end := context.WithCancelCause(ctx)
	running := r.begin(end)
	return of, func() {
		r.finish(running)
		end(nil)
		<-r.all
		<-own.taken
		r.forget(host, own)
	}, nil
}

// await takes a place, or returns [client.ErrBusy] if none comes free in time.
func await(ctx context.Context, place chan struct{}) error {
	select {
	case place <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(queueing)
	defer timer.Stop()
	select {
	case place <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", client.ErrBusy, ctx.Err())
	case <-timer.C:
		return fmt.Errorf("%w: no place in %s", client.ErrBusy, queueing)
	}
}

func (r *room) begin(end context.CancelCauseFunc) *list.Element {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := &fetch{end: end}
	f.watch = time.AfterFunc(hanging, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		f.hangs = true
	})
	return r.running.PushBack(f)
}

func (r *room) finish(running *list.Element) {
	r.mu.Lock()
	defer r.mu.Unlock()
	running.Value.(*fetch).watch.Stop()
	r.running.Remove(running) // unless it gave way
}

// giveWay ends the fetch that has taken longest, and reports whether one hangs.
func (r *room) giveWay() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	oldest := r.running.Front()
	if oldest == nil {
		return false
	}
	f := oldest.Value.(*fetch)
	if !f.hangs {
		return false
	}
	r.running.Remove(oldest)
	f.end(errGaveWay)
	return true
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
