package store_test

import (
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/outbox"
	"github.com/ostiary/ostiary/internal/statistics"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Two replicas add to the same totals, and both read the sum. Totals of hours are purged before those of
// days.
func TestStatistics(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		one, other := storetest.Open(t, url), storetest.Open(t, url)
		ctx, hour := t.Context(), noon.Truncate(time.Hour)
		counts := statistics.Counts{statistics.SignIns: 2, statistics.Refusals("client_unknown"): 1, statistics.Durations(.5): 3}
		must(t, one.Statistics.AddStatistics(ctx, nil, noon))
		var both sync.WaitGroup
		for _, s := range []*store.Store{one, other} {
			both.Go(func() {
				for range 20 {
					if err := s.Statistics.AddStatistics(ctx, counts, noon.Add(59*time.Minute)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		both.Wait()
		must(t, one.Statistics.AddStatistics(ctx, statistics.Counts{statistics.SignIns: 1}, noon.Add(time.Hour)))

		for name, s := range map[string]*store.Store{"one": one, "the other": other} {
			got, err := s.Statistics.Statistics(ctx, statistics.Hour, hour)
			must(t, err)
			wantSame(t, "the hours at "+name, got, []statistics.Total{
				{Began: hour, Counter: statistics.Refusals("client_unknown"), Total: 40},
				{Began: hour, Counter: statistics.Durations(.5), Total: 120},
				{Began: hour, Counter: statistics.SignIns, Total: 80},
				{Began: hour.Add(time.Hour), Counter: statistics.SignIns, Total: 1},
			})
		}
		days := func() []statistics.Total {
			t.Helper()
			got, err := one.Statistics.Statistics(ctx, statistics.Day, noon.Truncate(statistics.Day))
			must(t, err)
			return got
		}
		if got := days(); len(got) != 3 || got[2].Total != 81 {
			t.Errorf("the days are %v", got)
		}
		_, err := one.Purge(ctx, hour.Add(statistics.Retention(statistics.Hour)+90*time.Minute))
		must(t, err)
		got, err := one.Statistics.Statistics(ctx, statistics.Hour, hour)
		must(t, err)
		if len(got) != 1 || len(days()) != 3 {
			t.Errorf("after 3 days and an hour: %v, %v, want the last hour, and the day", got, days())
		}
		_, err = one.Purge(ctx, noon.Add(statistics.Retention(statistics.Day)+2*time.Hour))
		must(t, err)
		if got := days(); len(got) != 0 {
			t.Errorf("after 31 days: %v", got)
		}
	})
}

func TestReplicaVersions(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		one, other := storetest.Open(t, url), storetest.Open(t, url)
		storetest.Follow(t, one)
		storetest.Follow(t, other)
		got, err := one.ReplicaVersions(t.Context())
		must(t, err)
		wantSame(t, "the replicas", got, map[string]int{"test": 2})
	})
}

func TestUndeliveredAreCounted(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		for range 3 {
			must(t, s.Mails.EnqueueMail(ctx, mail.New(mail.Recover, "ada@rp.example", noon)))
		}
		claimed, err := s.Mails.ClaimMail(ctx, noon, noon.Add(time.Minute))
		must(t, err)
		must(t, s.Mails.EndMail(ctx, claimed, mail.Failed, noon))
		for state, want := range map[mail.State]int{mail.Pending: 1, mail.Failed: 1, mail.Sent: 0} {
			got, err := s.Mails.CountMails(ctx, state, 1)
			must(t, err)
			wantSame(t, "messages, at most one", got, want)
		}
		got, err := s.Outbox.CountNotices(ctx, outbox.Failed, 10)
		must(t, err)
		wantSame(t, "failed notices", got, 0)
	})
}
