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
