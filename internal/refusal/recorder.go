package refusal

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// ringSize is how many records a process keeps in memory.
	ringSize = 10_000
	// floodSize is how many of them may have come in floods, until they are written.
	floodSize = 1_000
	// batchSize is how many are written in one go, once a second.
	batchSize = 1_000
	// writeTimeout bounds a write, and lastTimeout the one when the process ends.
	writeTimeout = 2 * time.Second
	lastTimeout  = time.Second
)

// Store keeps records of all replicas.
type Store interface {
	InsertRefusals(ctx context.Context, list []*Record) error
}

// Recorder keeps the newest records in memory and writes them to the store, once a
// second and never in the path of a response. What the store cannot take is dropped: the
// log has it.
type Recorder struct {
	Store Store
	Log   *slog.Logger

	mu      sync.Mutex
	ring    []*Record
	next    uint64 // the number of the next record
	written uint64 // the number of the first that is not written
	floods  int    // how many not yet written came in floods
	dropped uint64
	lost    bool // the last write failed
	shares  shares
}

// Offer keeps a record, in place of the oldest where there is no room. Those that come in
// floods are dropped first, and those of a network that has had its share.
func (r *Recorder) Offer(record *Record, flood bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.shares.take(record.Network, record.At) {
		r.dropped++
		return
	}
	if flood {
		if r.floods >= floodSize {
			r.dropped++
			return
		}
		r.floods++
	}
	if len(r.ring) < ringSize {
		r.ring = append(r.ring, record)
	} else {
		r.ring[r.next%ringSize] = record
	}
	r.next++
	if r.next-r.written > ringSize {
		r.dropped += r.next - r.written - ringSize
		r.written = r.next - ringSize
	}
}

// Find returns the newest record of a request that is in memory, or [ErrNotFound].
func (r *Recorder) Find(requestID string) (*Record, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for n := range len(r.ring) {
		record := r.ring[(r.next-1-uint64(n))%ringSize]
		if record.RequestID == requestID {
			return record, nil
		}
	}
	return nil, ErrNotFound
}

// Dropped returns how many records were not written.
func (r *Recorder) Dropped() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dropped
}

// Run writes records until ctx ends, and then those that are left.
func (r *Recorder) Run(ctx context.Context) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			r.Flush(context.WithoutCancel(ctx), lastTimeout)
			return
		case <-ticker.C:
			// A write that took long leaves a tick waiting: a store under load gets a
			// batch only after a pause.
			r.Flush(ctx, writeTimeout)
		}
	}
}

// Flush writes one batch of the newest records within timeout. Those before them are
// dropped, as is the batch when the store fails.
func (r *Recorder) Flush(ctx context.Context, timeout time.Duration) {
	batch := r.take()
	if len(batch) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := r.Store.InsertRefusals(ctx, batch)
	changed, dropped := r.wrote(len(batch), err)
	switch {
	case !changed:
	case err != nil:
		r.Log.LogAttrs(ctx, slog.LevelWarn, "refusals not recorded", slog.Any("error", err))
	default:
		r.Log.LogAttrs(ctx, slog.LevelInfo, "refusals recorded again", slog.Uint64("dropped", dropped))
	}
}

// wrote notes how the write of n records ended. It reports whether the one before ended
// otherwise, and how many were dropped so far.
func (r *Recorder) wrote(n int, err error) (changed bool, dropped uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.dropped += uint64(n) //nolint:gosec // a length
	}
	changed = (err != nil) != r.lost
	r.lost = err != nil
	return changed, r.dropped
}

// take returns the newest records that are not written yet.
func (r *Recorder) take() []*Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	if waiting := r.next - r.written; waiting > batchSize {
		r.dropped += waiting - batchSize
		r.written = r.next - batchSize
	}
	batch := make([]*Record, 0, r.next-r.written)
	for ; r.written < r.next; r.written++ {
		batch = append(batch, r.ring[r.written%ringSize])
	}
	r.floods = 0
	return batch
}
