package main

import (
	"math/rand/v2"
	"testing"
)

// samplesOf returns n samples of each kind; those of the first are later by shift.
func samplesOf(n int, shift float64) []sample {
	random := rand.New(rand.NewPCG(1, 2))
	var all []sample
	for i := range 2 * n {
		s := sample{value: 20 + random.ExpFloat64(), first: i%2 == 0}
		if s.first {
			s.value += shift
		}
		all = append(all, s)
	}
	return all
}

func TestPermutationTestFindsADifference(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		shift float64
		found bool
	}{"equal": {0, false}, "later by a tenth of the spread": {0.1, true}, "earlier": {-5, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if d := permute(samplesOf(2000, tc.shift), 0.5, 1000); (d.p <= 0.01) != tc.found {
				t.Errorf("the medians are %.3f and %.3f, p = %.4f; want a difference: %v", d.first, d.second, d.p, tc.found)
			}
		})
	}
}

func TestQuantilesOfEachKind(t *testing.T) {
	t.Parallel()
	var all []sample
	for i := range 10 {
		all = append(all, sample{float64(i), true}, sample{float64(100 + i), false})
	}
	if d := permute(all, 0.5, 10); d.first != 4 || d.second != 104 {
		t.Errorf("the medians are %v and %v, want 4 and 104", d.first, d.second)
	}
	if d := permute(all, 0.9, 10); d.first != 8 || d.second != 108 {
		t.Errorf("the 90th percentiles are %v and %v, want 8 and 108", d.first, d.second)
	}
}
