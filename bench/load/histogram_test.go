package load

import (
	"testing"
	"time"
)

func TestPercentilesAreWithinTheirBucket(t *testing.T) {
	t.Parallel()
	var odd, even, all Histogram
	for i := range 10_000 {
		d := time.Duration(i+1) * 37 * time.Microsecond
		if i%2 == 0 {
			even.Add(d)
		} else {
			odd.Add(d)
		}
	}
	all.Merge(&odd)
	all.Merge(&even)
	if all.Count() != 10_000 || all.Max() != 370*time.Millisecond {
		t.Fatalf("counted %d, at most %v", all.Count(), all.Max())
	}
	for p, want := range map[float64]time.Duration{
		1: 3700 * time.Microsecond, 50: 185 * time.Millisecond, 99: 366300 * time.Microsecond, 100: 370 * time.Millisecond,
	} {
		got := all.Percentile(p)
		if diff := (got - want).Abs(); float64(diff) > 0.016*float64(want) {
			t.Errorf("percentile %v = %v, want %v", p, got, want)
		}
	}
}

func TestEveryDurationHasABucketThatHoldsIt(t *testing.T) {
	t.Parallel()
	for _, n := range []uint64{0, 1, 63, 64, 65, 127, 128, 1000, 1 << 20, 1<<40 + 12345, 1<<63 - 1} {
		i := bucket(n)
		if i < 0 || i >= buckets {
			t.Fatalf("bucket(%d) = %d", n, i)
		}
		if got := uint64(middle(i)); float64(max(got, n)-min(got, n)) > 0.016*float64(n) {
			t.Errorf("the bucket of %d has its middle at %d", n, got)
		}
	}
	var h Histogram
	if h.Percentile(99) != 0 {
		t.Error("an empty histogram has a percentile")
	}
}
