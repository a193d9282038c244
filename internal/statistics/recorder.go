package statistics

import (
	"context"
	"log/slog"
	"maps"
	"math/rand/v2"
	"time"
)

const (
	// interval is the mean time between writes. It is random, so that replicas that started together
	// do not write together.
	interval = time.Minute
	// writeTimeout bounds a write, and lastTimeout the write at shutdown.
	writeTimeout = 5 * time.Second
	lastTimeout  = time.Second
)

// Store stores totals.
type Store interface {
	// AddStatistics adds counts to the totals of the hour and the day of now.
	AddStatistics(ctx context.Context, counts Counts, now time.Time) error
}

// Recorder adds the growth of the counters of this process to the store.
type Recorder struct {
	Store Store
	// Read returns what this process has counted since it began.
	Read func() (Counts, error)
	Now  func() time.Time
	Log  *slog.Logger

	stored  Counts // the part of Read that the store has
	failing bool   // the last write failed
}

// Run writes until ctx ends, and then once more.
func (r *Recorder) Run(ctx context.Context) {
	timer := time.NewTimer(pause())
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			r.Flush(context.WithoutCancel(ctx), lastTimeout)
			return
		case <-timer.C:
			r.Flush(ctx, writeTimeout)
			timer.Reset(pause())
		}
	}
}

func pause() time.Duration { return interval/2 + rand.N(interval) } //nolint:gosec // not a credential

// Flush adds the counts since the last write, in one statement and within timeout. It writes
// nothing if nothing was counted. After an error the next write includes the counts.
func (r *Recorder) Flush(ctx context.Context, timeout time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	counts, err := r.Read()
	if err == nil {
		if grown := counts.growth(r.stored); len(grown) > 0 {
			err = r.Store.AddStatistics(ctx, grown, r.Now())
		}
	}
	if err == nil {
		r.stored = maps.Clone(counts)
	}
	failed := err != nil
	if failed == r.failing {
		return
	}
	r.failing = failed
	if failed {
		r.Log.LogAttrs(ctx, slog.LevelWarn, "statistics not recorded", slog.Any("error", err))
	} else {
		r.Log.LogAttrs(ctx, slog.LevelInfo, "statistics recorded again")
	}
}
