package server

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

func TestPacerPercent(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for name, tc := range map[string]struct {
		live  int64
		since time.Duration
		want  int
	}{
		"after a long quiet":                    {4 * mib, time.Minute, 100},
		"neither close nor far, before a load":  {4 * mib, 5 * time.Second, 100},
		"under load, up to a size":              {4 * mib, time.Second, 700},
		"under load, hardly anything kept":      {1 * mib, time.Millisecond, 800},
		"under load, two passwords checked":     {43 * mib, time.Second, 37},
		"under load, as much kept as Go allows": {3200 * mib, time.Second, 99},
		"under load, nothing known":             {0, time.Millisecond, 100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Unix(0, 0)
			p := &pacer{now: func() time.Time { return start.Add(tc.since) }, last: start}
			if got := p.next(tc.live); got != tc.want {
				t.Errorf("next(%d) %v after the last = %d, want %d", tc.live, tc.since, got, tc.want)
			}
		})
	}
}

func TestPacerEndsLoadModeAfterQuietInterval(t *testing.T) {
	t.Parallel()
	clock := time.Unix(0, 0)
	p := &pacer{now: func() time.Time { return clock }, last: clock}
	for i, step := range []struct {
		pass time.Duration
		want int
	}{{time.Second, 700}, {14 * time.Second, 700}, {15 * time.Second, 100}, {2 * time.Second, 100}, {time.Second, 700}} {
		clock = clock.Add(step.pass)
		if got := p.next(4 << 20); got != step.want {
			t.Errorf("step %d, %v later: %d, want %d", i, step.pass, got, step.want)
		}
	}
}

// The test changes the garbage collector of the whole process, so it does not run in parallel.
func TestPaceCollectorSetsPercentUnderLoad(t *testing.T) {
	t.Setenv("GOGC", "")
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(func() {
		stop()
		debug.SetGCPercent(quietPercent)
	})
	clock := time.Unix(0, 0)
	PaceCollector(ctx, func() time.Time { return clock }) // the clock does not advance: every collection after the first counts as load
	for deadline := time.Now().Add(time.Minute); gogc() <= quietPercent; {
		if time.Now().After(deadline) {
			t.Fatalf("GOGC is still %d after many collections", gogc())
		}
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
}

func TestGOGCOverridesPacer(t *testing.T) {
	t.Setenv("GOGC", "150")
	PaceCollector(t.Context(), time.Now)
	before := gogc()
	for range 5 {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	if got := gogc(); got != before {
		t.Errorf("GOGC went from %d to %d", before, got)
	}
}

func gogc() uint64 {
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
