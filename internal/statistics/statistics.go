// Package statistics has the history of a server: the numbers of sign-ins and failed attempts, of rejected
// requests by rule, and of requests by duration.
//
// Each process counts in memory, with the counters of its metrics. A [Recorder] adds their growth to
// the store about once a minute, so that all replicas show the same history and it survives a
// restart. The overview of the console shows a [Summary].
package statistics

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Counts has numbers by counter. A counter has one of the names below.
type Counts map[string]uint64

// SignIns is the counter of successful sign-ins.
const SignIns = "sign_ins"

const (
	refusalPrefix  = "refused "
	durationPrefix = "seconds "
	signInPrefix   = "sign_in_" // of the rules that reject a sign-in
)

// Refusals returns the counter of the requests that a rule rejected.
func Refusals(rule string) string { return refusalPrefix + rule }

// Durations returns the counter of the requests that took at most so many seconds, and more than
// the next lower bound that is counted. The highest bound is infinite.
func Durations(atMost float64) string {
	return durationPrefix + strconv.FormatFloat(atMost, 'g', -1, 64)
}

// Widths of the intervals for which totals are stored.
const (
	Hour = time.Hour
	Day  = 24 * time.Hour
)

// Retention returns how long totals of intervals of a width are stored: two windows of 24 hours, and a
// window of 30 days.
func Retention(width time.Duration) time.Duration {
	if width == Day {
		return 31 * Day
	}
	return 3 * Day
}

// Total is the total of a counter in an interval of time.
type Total struct {
	Began   time.Time
	Counter string
	Total   uint64
}

// growth returns how much the counters have grown since before. Counters never decrease.
func (c Counts) growth(before Counts) Counts {
	grown := Counts{}
	for name, n := range c {
		if n > before[name] {
			grown[name] = n - before[name]
		}
	}
	return grown
}

// durations counts requests by upper bound of their duration in seconds.
type durations map[float64]uint64

// quantile returns the duration within which the fraction q of the requests ended, zero without
// requests. Within the counted bounds it interpolates.
func (d durations) quantile(q float64) time.Duration {
	bounds, total := d.sorted()
	if total == 0 {
		return 0
	}
	rank, below, lower := q*float64(total), 0.0, 0.0
	for _, bound := range bounds {
		n := float64(d[bound])
		if below+n >= rank && n > 0 {
			if math.IsInf(bound, 1) {
				return seconds(lower)
			}
			return seconds(lower + (bound-lower)*(rank-below)/n)
		}
		below += n
		lower = bound
	}
	return seconds(lower)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// counted has the sums of the totals of some intervals.
type counted struct {
	signIns, failures uint64
	refused           map[string]uint64 // by rule
	durations         durations
}

func newCounted() *counted {
	return &counted{refused: map[string]uint64{}, durations: durations{}}
}

// add adds a total. It ignores counters of other versions.
func (c *counted) add(t Total) {
	if t.Counter == SignIns {
		c.signIns += t.Total
	} else if rule, ok := strings.CutPrefix(t.Counter, refusalPrefix); ok {
		c.refused[rule] += t.Total
		if strings.HasPrefix(rule, signInPrefix) {
			c.failures += t.Total
		}
	} else if text, ok := strings.CutPrefix(t.Counter, durationPrefix); ok {
		if bound, err := strconv.ParseFloat(text, 64); err == nil {
			c.durations[bound] += t.Total
		}
	}
}
