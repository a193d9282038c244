package refusal

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// ringSize is the number of records that a process keeps in memory.
	ringSize = 10_000
	// floodSize is the maximum number of unwritten records with [Rejection].Flood.
	floodSize = 1_000
	// batchSize is the maximum number of records per write, once a second.
	batchSize = 1_000
	// writeTimeout bounds a write, and lastTimeout the write at shutdown.
	writeTimeout = 2 * time.Second
	lastTimeout  = time.Second
)

// Store stores the records of all replicas.
type Store interface {
	InsertRefusals(ctx context.Context, list []*Record) error
}

// Recorder keeps the newest records in memory and writes them to the store once a second, never
// while a response waits. Records that cannot be stored are dropped; the log has them.
type Recorder struct {
	Store Store
	Log   *slog.Logger

	mu      sync.Mutex
	ring    []*Record
	next    uint64 // the number of the next record
	written uint64 // the number of the first unwritten record
	floods  int    // unwritten records with Flood
	dropped uint64
	failing bool // the last write failed
	shares  shares
}

// Add stores a record, and replaces the oldest if the ring is full. It drops the record if
// its network has reached its limit, or if flood is set and too many of those are unwritten.
func (r *Recorder) Add(record *Record, flood bool) {
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

// Find returns the newest record of a request in memory, or [ErrNotFound].
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

// Dropped returns the number of records that were not written.
func (r *Recorder) Dropped() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dropped
}

// Run writes records until ctx ends, and then the remaining ones.
func (r *Recorder) Run(ctx context.Context) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			r.Flush(context.WithoutCancel(ctx), lastTimeout)
			return
		case <-ticker.C:
			// A slow write leaves a tick pending, so that a store under load receives a batch
			// only after a pause.
			r.Flush(ctx, writeTimeout)
		}
	}
}

// Flush writes one batch of the newest records within timeout. Older unwritten records are
// dropped, and so is the batch if the store returns an error.
func (r *Recorder) Flush(ctx context.Context, timeout time.Duration) {
	batch := r.nextBatch()
	if len(batch) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := r.Store.InsertRefusals(ctx, batch)
	changed, dropped := r.noteResult(len(batch), err)
	switch {
	case !changed:
	case err != nil:
		r.Log.LogAttrs(ctx, slog.LevelWarn, "refusals not recorded", slog.Any("error", err))
	default:
		r.Log.LogAttrs(ctx, slog.LevelInfo, "refusals recorded again", slog.Uint64("dropped", dropped))
	}
}

// noteResult stores the result of a write of n records. It reports whether the result differs
// from the previous write, and how many records were dropped in total.
func (r *Recorder) noteResult(n int, err error) (changed bool, dropped uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.dropped += uint64(n) //nolint:gosec // a length is not negative
	}
	changed = (err != nil) != r.failing
	r.failing = err != nil
	return changed, r.dropped
}

// nextBatch returns the newest unwritten records.
func (r *Recorder) nextBatch() []*Record {
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
