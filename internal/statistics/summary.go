package statistics

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// Window is a period that ends now, as a number of intervals.
type Window struct {
	Width time.Duration // of an interval
	Count int
}

// WindowOf returns the window of 1, 7 or 30 days, and false for another number. The window of a day has
// hours, those of several days have days in UTC.
func WindowOf(days int) (Window, bool) {
	switch days {
	case 1:
		return Window{Hour, 24}, true
	case 7, 30:
		return Window{Day, days}, true
	}
	return Window{}, false
}

// since returns the start of the first interval of the window that ends at now.
func (w Window) since(now time.Time) time.Time {
	return now.UTC().Truncate(w.Width).Add(-time.Duration(w.Count-1) * w.Width)
}

// Summary has the numbers of a window.
type Summary struct {
	Since time.Time // the start of the first interval
	Width time.Duration

	SignIns, Failures, Refused uint64
	// Growth is the growth of the sign-ins since the window before in percent, and HasGrowth reports that it
	// is known. Both windows are compared without their last interval, which is not over yet.
	Growth    int
	HasGrowth bool

	Median, P95 time.Duration // zero without requests
	Rules       []Rule        // the most frequent first
	Intervals   []Interval
}

// Rule counts the requests that a rule rejected.
type Rule struct {
	Name  string
	Count uint64
}

// Interval has the numbers of an interval.
type Interval struct {
	Began                      time.Time
	SignIns, Failures, Refused uint64
	Median, P95                time.Duration // zero without requests
}

// Reader reads stored totals.
type Reader interface {
	// Statistics returns the totals of the intervals of a width that began at since or later.
	Statistics(ctx context.Context, width time.Duration, since time.Time) ([]Total, error)
}

// Summarize returns the numbers of the window that ends at now.
func Summarize(ctx context.Context, reader Reader, w Window, now time.Time) (*Summary, error) {
	since := w.since(now)
	period := time.Duration(w.Count) * w.Width
	from := since.Add(-period)
	if now.Sub(from) > Retention(w.Width) {
		from = since
	}
	totals, err := reader.Statistics(ctx, w.Width, from)
	if err != nil {
		return nil, fmt.Errorf("read statistics: %w", err)
	}
	s := &Summary{Since: since, Width: w.Width}
	all, intervals := newCounted(), make([]*counted, w.Count)
	for i := range intervals {
		intervals[i] = newCounted()
	}
	var before uint64
	for _, t := range totals {
		i := int(t.Began.Sub(since) / w.Width)
		switch {
		case t.Began.Before(since):
			if t.Counter == SignIns && t.Began.Before(since.Add(-w.Width)) {
				before += t.Total
			}
		case i < w.Count:
			intervals[i].add(t)
			all.add(t)
		}
	}
	s.fill(all, intervals)
	if complete := s.SignIns - intervals[w.Count-1].signIns; before > 0 {
		s.Growth, s.HasGrowth = int(math.Round(100*(float64(complete)/float64(before)-1))), true
	}
	return s, nil
}

// fill sets the numbers.
func (s *Summary) fill(all *counted, intervals []*counted) {
	s.SignIns, s.Failures, s.Refused = all.signIns, all.failures, all.sumRefused()
	s.Median, s.P95 = all.durations.quantile(.5), all.durations.quantile(.95)
	for name, count := range all.refused {
		s.Rules = append(s.Rules, Rule{name, count})
	}
	slices.SortFunc(s.Rules, func(a, b Rule) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name)) })
	for i, c := range intervals {
		s.Intervals = append(s.Intervals, Interval{
			Began: s.Since.Add(time.Duration(i) * s.Width), SignIns: c.signIns, Failures: c.failures, Refused: c.sumRefused(),
			Median: c.durations.quantile(.5), P95: c.durations.quantile(.95),
		})
	}
}

func (c *counted) sumRefused() (sum uint64) {
	for _, n := range c.refused {
		sum += n
	}
	return sum
}

// sorted returns the bounds in ascending order, and the number of requests.
func (d durations) sorted() (bounds []float64, total uint64) {
	for _, n := range d {
		total += n
	}
	return slices.Sorted(maps.Keys(d)), total
}
