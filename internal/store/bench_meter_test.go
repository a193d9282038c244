//go:build unix

package store_test

import (
	"syscall"
	"testing"
	"time"
)

// meter sums up the processor time of this process, which says more about a
// statement than the time on the wall where others share the machine.
type meter struct {
	total time.Duration
}

func (m *meter) start() { m.total -= processorTime() }
func (m *meter) stop()  { m.total += processorTime() }

// report adds the time that one call took to what the benchmark prints.
func (m *meter) report(b *testing.B) {
	b.Helper()
	b.ReportMetric(float64(m.total.Nanoseconds())/float64(b.N), "cpu-ns/op")
}

func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
