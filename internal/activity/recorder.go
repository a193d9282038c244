package activity

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// maxWaiting is the number of events that wait to be written. Further ones are dropped.
	maxWaiting = 10_000
	// writeInterval is the time between writes, and writeTimeout bounds each of them.
	writeInterval = 2 * time.Second
	writeTimeout  = 2 * time.Second
)

// FailureStore adds failed sign-ins to the stored events with the same IDs.
type FailureStore interface {
	AddFailures(ctx context.Context, list []*Event) error
}

// Recorder collects failed sign-ins and writes them in batches.
type Recorder struct {
	Store FailureStore
	Log   *slog.Logger

	mu      sync.Mutex
	waiting map[string]*Event // by subject and ID
	dropped uint64
}

// Add collects a failed sign-in.
func (r *Recorder) Add(subject, network string, now time.Time) {
	e := NewFailure(subject, network, now)
	key := e.ID + " " + subject
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.waiting[key]; known != nil {
		known.Count++
		known.LastAt = now
		return
	}
	if len(r.waiting) >= maxWaiting {
		r.dropped++
		return
	}
	if r.waiting == nil {
		r.waiting = map[string]*Event{}
	}
	r.waiting[key] = e
}

// Run writes what was collected until ctx ends, and then the rest.
func (r *Recorder) Run(ctx context.Context) {
	ticker := time.NewTicker(writeInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			r.Flush(context.WithoutCancel(ctx))
			return
		case <-ticker.C:
			r.Flush(ctx)
		}
	}
}

// Flush writes what was collected. It is lost if the store returns an error; the log still has
// each failure.
func (r *Recorder) Flush(ctx context.Context) {
	r.mu.Lock()
	list := make([]*Event, 0, len(r.waiting))
	for _, e := range r.waiting {
		list = append(list, e)
	}
	dropped := r.dropped
	r.waiting, r.dropped = nil, 0
	r.mu.Unlock()
	if len(list) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	err := r.Store.AddFailures(ctx, list)
	if err != nil || dropped > 0 {
		r.Log.LogAttrs(ctx, slog.LevelWarn, "failed sign-ins not recorded",
			slog.Int("events", len(list)), slog.Uint64("dropped", dropped), slog.Any("error", err))
	}
}
