package statistics_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"math"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/statistics"
)

var noon = time.Date(2026, 11, 30, 12, 10, 0, 0, time.UTC)

type totals []statistics.Total

// Statistics implements [statistics.Reader].
func (t totals) Statistics(_ context.Context, _ time.Duration, since time.Time) (list []statistics.Total, _ error) {
	for _, one := range t {
		if !one.Began.Before(since) {
			list = append(list, one)
		}
	}
	return list, nil
}

func TestSummarize(t *testing.T) {
	t.Parallel()

	today := noon.Truncate(statistics.Day)
	at := func(days int, counter string, n uint64) statistics.Total {
		return statistics.Total{Began: today.AddDate(0, 0, -days), Counter: counter, Total: n}
	}
	all := totals{
		at(40, statistics.SignIns, 1000),                            // older than the compared windows
		at(8, statistics.SignIns, 20), at(7, statistics.SignIns, 7), // the second has no counterpart: today is not over
		at(6, statistics.SignIns, 25), at(0, statistics.SignIns, 5),
		at(1, statistics.Refusals("sign_in_wrong_password"), 3), at(1, statistics.Refusals("client_unknown"), 4),
		at(0, statistics.Refusals("client_unknown"), 1), at(0, "of another version", 9),
		at(0, statistics.Durations(.1), 50), at(0, statistics.Durations(.2), 40), at(0, statistics.Durations(math.Inf(1)), 10),
	}
	window, ok := statistics.WindowOf(7)
	if !ok {
		t.Fatal("no window of 7 days")
	}
	s, err := statistics.Summarize(t.Context(), all, window, noon)
	if err != nil {
		t.Fatal(err)
	}
	if s.SignIns != 30 || s.Failures != 3 || s.Refused != 8 || !s.Since.Equal(today.AddDate(0, 0, -6)) {
		t.Errorf("%d sign-ins, %d failures, %d refused since %s", s.SignIns, s.Failures, s.Refused, s.Since)
	}
	if !s.HasGrowth || s.Growth != 25 {
		t.Errorf("the growth is %v %d, want 25", s.HasGrowth, s.Growth)
	}
	if len(s.Rules) != 2 || s.Rules[0] != (statistics.Rule{Name: "client_unknown", Count: 5}) {
		t.Errorf("the rules are %v", s.Rules)
	}
	if s.Median != 100*time.Millisecond || s.P95 != 200*time.Millisecond {
		t.Errorf("median %s and p95 %s, want 100 ms, and the highest finite bound", s.Median, s.P95)
	}
	if last := s.Intervals[6]; len(s.Intervals) != 7 || last.SignIns != 5 || last.Refused != 1 || !last.Began.Equal(today) {
		t.Errorf("%d intervals, the last is %+v", len(s.Intervals), last)
	}
	if first := s.Intervals[0]; first.SignIns != 25 || first.Median != 0 {
		t.Errorf("the first interval is %+v", first)
	}
	if _, ok := statistics.WindowOf(8); ok {
		t.Error("there is a window of 8 days")
	}
	window, _ = statistics.WindowOf(30)
	if s, err = statistics.Summarize(t.Context(), all, window, noon); err != nil || s.HasGrowth || s.SignIns != 57 {
		t.Errorf("30 days: %+v, %v, want no growth, since older totals are not stored", s, err)
	}
}

type added struct {
	counts statistics.Counts
	err    error
	writes int
}

// AddStatistics implements [statistics.Store].
func (a *added) AddStatistics(_ context.Context, counts statistics.Counts, _ time.Time) error {
	a.writes++
	if a.err == nil {
		for name, n := range counts {
			a.counts[name] += n
		}
	}
	return a.err
}

// A recorder stores each event once, also if the store fails in between, and writes nothing without events.
func TestRecorder(t *testing.T) {
	t.Parallel()

	store, counted := &added{counts: statistics.Counts{}}, statistics.Counts{statistics.SignIns: 0}
	r := &statistics.Recorder{
		Store: store, Now: func() time.Time { return noon }, Log: slog.New(slog.DiscardHandler),
		Read: func() (statistics.Counts, error) { return counted, nil },
	}
	for i, step := range []struct {
		count  uint64
		err    error
		writes int
		want   uint64
	}{
		{0, nil, 0, 0},
		{2, nil, 1, 2},
		{2, nil, 1, 2},
		{5, errors.New("no database"), 2, 2},
		{6, nil, 3, 6},
	} {
		counted = maps.Clone(counted)
		counted[statistics.SignIns], store.err = step.count, step.err
		r.Flush(t.Context(), time.Second)
		if store.writes != step.writes || store.counts[statistics.SignIns] != step.want {
			t.Errorf("step %d: %d writes, %v", i, store.writes, store.counts)
		}
	}
}
