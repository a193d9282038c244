package main

import (
	"math/rand/v2"
	"slices"
)

// sample is a measured value of one of two kinds.
type sample struct {
	value float64
	first bool // of the first kind
}

// difference is how a quantile of the first kind of samples differs from that of the second.
type difference struct {
	first, second float64
	// p is the share of random assignments of the samples to the two kinds whose quantiles
	// differ at least as much.
	p float64
}

// permute compares the quantile q of two kinds of samples by a permutation test.
func permute(samples []sample, q float64, rounds int) difference {
	sorted := slices.Clone(samples)
	slices.SortFunc(sorted, func(a, b sample) int {
		switch {
		case a.value < b.value:
			return -1
		case a.value > b.value:
			return 1
		}
		return 0
	})
	kinds, count := make([]bool, len(sorted)), 0
	for i, s := range sorted {
		if kinds[i] = s.first; s.first {
			count++
		}
	}
	d := difference{}
	d.first, d.second = quantiles(sorted, kinds, count, q)
	want, extreme := max(d.first-d.second, d.second-d.first), 1 // the measured assignment is one of them
	for range rounds {
		rand.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] }) //nolint:gosec // statistics
		if a, b := quantiles(sorted, kinds, count, q); max(a-b, b-a) >= want {
			extreme++
		}
	}
	d.p = float64(extreme) / float64(rounds+1)
	return d
}

// quantiles returns the quantile q of the samples of each kind, of which count are of the first.
func quantiles(sorted []sample, kinds []bool, count int, q float64) (first, second float64) {
	left := [2]int{int(q * float64(count-1)), int(q * float64(len(sorted)-count-1))}
	var found [2]float64
	for i, s := range sorted {
		kind := 1
		if kinds[i] {
			kind = 0
		}
		if left[kind]--; left[kind] == -1 {
			found[kind] = s.value
		}
	}
	return found[0], found[1]
}
