package server

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// smallHeap is the size to which the heap of a busy server may grow before it is
	// collected. Such a server retains a few megabytes, and nearly all memory of a request is
	// garbage after the response: at Go's default, twice the live heap, it ran thirty
	// collections a second and used a quarter of the processor time for them.
	smallHeap = 32 << 20
	// heapStep is how far any heap may grow between collections. Two concurrent password
	// checks hold 38 MiB that are garbage right after; Go's default would let as much
	// accumulate again.
	heapStep = 16 << 20

	// Percentages as in GOGC: Go's default, and the one at which Go collects no heap smaller
	// than smallHeap, since its minimum heap at 100 is 4 MiB.
	quietPercent = 100
	maxPercent   = 100 * smallHeap / (4 << 20)

	// The interval between collections under load, and without load.
	loadInterval  = time.Second
	quietInterval = 15 * time.Second
)

// pacer chooses after each collection how much garbage may accumulate before the next.
type pacer struct {
	now     func() time.Time
	last    time.Time
	busy    bool
	percent int // current GOGC value
}

// next returns the percentage to set after a collection that found live bytes in use.
func (p *pacer) next(live int64) int {
	now := p.now()
	switch since := now.Sub(p.last); {
	case since <= loadInterval:
		p.busy = true
	case since >= quietInterval:
		p.busy = false
	}
	p.last = now
	if !p.busy || live <= 0 {
		return quietPercent
	}
	goal := max(smallHeap, live+heapStep, 2*live-smallHeap)
	return int(min(maxPercent, 100*(goal-live)/live))
}

// PaceCollector adjusts the garbage collector until ctx ends, unless GOGC is set in the
// environment.
func PaceCollector(ctx context.Context, now func() time.Time) {
	if os.Getenv("GOGC") == "" {
		p := &pacer{now: now, percent: quietPercent}
		p.afterCollection(ctx)
	}
}

// afterCollection adjusts the percentage after the next collection and all following ones. The
// cleanup of an unreachable object runs after a collection, so waiting for it costs an idle
// server nothing.
func (p *pacer) afterCollection(ctx context.Context) {
	type sentinel struct{ _ *byte } // with a pointer, so that the tiny allocator does not place it next to a live object
	runtime.AddCleanup(new(sentinel), func(p *pacer) {
		if ctx.Err() != nil {
			return
		}
		// Setting it stops the world, so small differences are ignored.
		if percent := p.next(liveBytes()); 8*max(percent-p.percent, p.percent-percent) > p.percent {
			p.percent = percent
			debug.SetGCPercent(percent)
		}
		p.afterCollection(ctx)
	}, p)
}

// liveBytes returns the heap size in bytes that the last collection found in use.
func liveBytes() int64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64()) //nolint:gosec // the heap is smaller
}
