//go:build unix

package store_test

import (
	"syscall"
	"testing"
	"time"
)

// meter adds up the processor time of this process. It is a better measure of a
// statement than elapsed time if other processes share the machine.
type meter struct {
	total time.Duration
}

func (m *meter) start() { m.total -= processorTime() }
func (m *meter) stop()  { m.total += processorTime() }

// report adds the processor time of one call to the output of the benchmark.
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
