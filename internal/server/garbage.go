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
	// roomy is the size to which the heap of a busy server may grow before it is
	// collected. Such a server keeps a few megabytes, and what a request leaves
	// behind is garbage once it is answered: at Go's own pace, twice what is kept, it
	// was collected thirty times a second, for a quarter of the processor time.
	smallHeap = 32 << 20
	// step is what may gather above any heap. Two passwords that are being checked
	// hold 38 MiB, which nobody needs a moment later; Go would let as much gather
	// again.
	heapStep = 16 << 20

	// Percentages as GOGC has them: Go's default, and the one at which Go collects no
	// heap smaller than roomy, since it takes 4 MiB for the least at 100.
	quietPercent = 100
	maxPercent   = 100 * smallHeap / (4 << 20)

	// Collections so close to each other mean load, and so far apart quiet.
	loadInterval  = time.Second
	quietInterval = 15 * time.Second
)

// pacer says after each collection how much garbage may gather before the next.
type pacer struct {
	now     func() time.Time
	last    time.Time
	busy    bool
	percent int // in force
}

// next returns the percentage that should be in force now that a collection found
// so many bytes in use.
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

// paceCollector makes the collector keep the pace until ctx ends, unless the
// operator chose one by GOGC.
func PaceCollector(ctx context.Context, now func() time.Time) {
	if os.Getenv("GOGC") == "" {
		p := &pacer{now: now, percent: quietPercent}
		p.afterCollection(ctx)
	}
}

// afterCollection sets the pace after the next collection, and after all that
// follow. An object that nobody refers to tells when one is over; to wait for it
// costs an idle server nothing.
func (p *pacer) afterCollection(ctx context.Context) {
	type forgotten struct{ _ *byte } // with a pointer, lest it share its place with something that is kept
	runtime.AddCleanup(new(forgotten), func(p *pacer) {
		if ctx.Err() != nil {
			return
		}
		// Setting it stops the world, so small differences are let be.
		if percent := p.next(liveBytes()); 8*max(percent-p.percent, p.percent-percent) > p.percent {
			p.percent = percent
			debug.SetGCPercent(percent)
		}
		p.afterCollection(ctx)
	}, p)
}

// liveBytes is how much of the heap the last collection found in use.
func liveBytes() int64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64()) //nolint:gosec // the heap is smaller
}
