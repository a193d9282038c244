package main

import (
	"strings"
	"testing"
)

func TestMediansAndRatios(t *testing.T) {
	t.Parallel()
	rounds := func(rates ...float64) []*result {
		var all []*result
		for _, rate := range rates {
			all = append(all, &result{PerSecond: rate, ServerCPU: 100 / rate, DatabaseCPU: 0.5, Errors: 1})
		}
		return all
	}
	odd, even := summarize(rounds(100, 10, 1000)), summarize(rounds(10, 20))
	if odd.rate != 100 || odd.server != 1 || odd.all != 1.5 || odd.errors != 3 {
		t.Errorf("of three rounds = %+v", odd)
	}
	if even.rate != 15 || even.server != 7.5 {
		t.Errorf("of two rounds = %+v", even)
	}
	var table strings.Builder
	pairs := []pair{
		{flow: "jwks", callers: 8, a: rounds(400), b: rounds(10)},
		{flow: "refresh", callers: 8, a: rounds(1)}, // not supported by the peer
	}
	if err := writePairs(&table, "ostiary", "peer", pairs); err != nil {
		t.Fatal(err)
	}
	if got := table.String(); !strings.Contains(got, " 40.0x ") || strings.Contains(got, "refresh") {
		t.Errorf("table:\n%s", got)
	}
}

func TestIntervalsOfRatios(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{1: 0, 5: 0, 6: 1, 8: 1, 9: 2, 12: 3, 20: 6} {
		if got := outside95(n); got != want {
			t.Errorf("of %d measurements, rank %d bounds the interval, want %d", n, got, want)
		}
	}
	var p pair
	for i := range 12 {
		p.a = append(p.a, &result{ServerCPU: float64(12 - i)})
		p.b = append(p.b, &result{ServerCPU: 10})
	}
	value := func(r *result) float64 { return r.ServerCPU }
	if got, want := ratioOf(p, value), "0.650 (0.300-1.000)"; got != want {
		t.Errorf("ratio = %s, want %s", got, want)
	}
	p.a = p.a[:4]
	if got, want := ratioOf(p, value), "1.050"; got != want {
		t.Errorf("ratio of four rounds = %s, want %s", got, want)
	}
}

func TestRates(t *testing.T) {
	t.Parallel()
	if err := (rates{"500", "0.5x", "2x"}).Validate(); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "x", "fast", "-1", "0x"} {
		if err := (rates{bad}).Validate(); err == nil {
			t.Errorf("Validate accepts the rate %q", bad)
		}
	}
}
