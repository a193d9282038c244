package store_test

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/notice"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

const day = 24 * time.Hour

// lateAndSettled ends a session of which one client hears, sometimes in vain.
func lateAndSettled(t *testing.T, s *store.Store, today int, now time.Time) {
	t.Helper()
	end(t, s, fmt.Sprint(today, "-0"), now)
	n, err := s.ClaimNotice(t.Context(), "told", now, now.Add(time.Minute))
	must(t, err)
	must(t, s.EndNotice(t.Context(), n, []notice.State{notice.Delivered, notice.Failed}[today/4%2], now))
}

// TestPurgeThroughAQuarter lives through a quarter of a year and more, with a purge
// every few days: what lives is never touched, and in the end nothing is left.
func TestPurgeThroughAQuarter(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		furnish(t, s)
		must(t, s.InsertClient(t.Context(), aToldClient("told")))
		type written struct {
			ref   grant.Ref
			until time.Time
		}
		var all []written
		add := func(now time.Time, life time.Duration, refreshable bool) {
			g := insert(t, s, func(g *grant.Grant) {
				g.Ref = grant.Ref{Bucket: grant.BucketAt(now, refreshable), ID: grant.NewID(now)}
				g.CreatedAt, g.CodeSpentAt, g.ExpiresAt, g.EndsAt = now, now, now.Add(life), now.Add(life)
			})
			all = append(all, written{g.Ref, g.EndsAt})
		}
		var most store.Sizes
		for today := 0; today < 204; today += 4 {
			now := noon.Add(time.Duration(today) * day)
			if today < 96 {
				add(now, 11*time.Minute, false)
				add(now, 90*day, true)
				add(now, 30*day, true)
				for i := range 3 {
					id := fmt.Sprint(today, "-", i)
					n := aSession(id, "alice")
					n.AuthTime, n.CreatedAt, n.SeenAt, n.IdleUntil, n.EndsAt = now, now, now, now.Add(12*time.Hour), now.Add(30*day)
					must(t, s.InsertSession(t.Context(), n, nil))
					must(t, s.JoinSession(t.Context(), id, "told", now))
					must(t, s.SaveConsent(t.Context(), &grant.Consent{Subject: "alice", ClientID: "rp", SessionID: id, GivenAt: now}))
					must(t, s.DenyToken(t.Context(), id, now.Add(time.Hour)))
					_, err := s.ClaimOnce(t.Context(), "assertion", "rp", id, now.Add(time.Hour), now)
					must(t, err)
					_, _, err = s.CountGuess(t.Context(), id, time.Hour, now)
					must(t, err)
					r := aRequest(id)
					r.CreatedAt, r.ExpiresAt = now, now.Add(time.Hour)
					must(t, s.InsertRequest(t.Context(), r))
					must(t, s.InsertSetupLink(t.Context(), session.Hash(id), now.Add(time.Hour)))
				}
				lateAndSettled(t, s, today, now)
				must(t, s.SaveConsent(t.Context(), &grant.Consent{Subject: "bob", ClientID: strconv.Itoa(today), GivenAt: now, ExpiresAt: now.Add(30 * day)}))
			}
			_, err := s.Purge(t.Context(), now)
			must(t, err)
			for _, w := range all {
				if now.Before(w.until) {
					wantLive(t, s, w.ref, now, true)
				}
			}
			sizes, err := s.Sizes(t.Context())
			must(t, err)
			most.Grants, most.Partitions, most.Rows = max(most.Grants, sizes.Grants), max(most.Partitions, sizes.Partitions), max(most.Rows, sizes.Rows)
		}
		sizes, err := s.Sizes(t.Context())
		must(t, err)
		want := store.Sizes{}
		if s.Engine() == "postgres" {
			// Those of the last two days are there still, made for grants that never came.
			want.Partitions = sizes.Partitions
			if sizes.Partitions > 24 {
				t.Errorf("%d partitions are left", sizes.Partitions)
			}
		}
		wantSame(t, "what is left in the end", sizes, want)
		if most.Grants > 60 || most.Rows > 70 || most.Partitions > 30 {
			t.Errorf("at most there were %+v, more than what lived", most)
		}
	})
}

// TestPurgeSparesWhatOutlivesItsBucket has the operator shorten the lifetimes
// while older, longer grants live.
func TestPurgeSparesWhatOutlivesItsBucket(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s, err := store.Open(t.Context(), store.Config{URL: url, LongestGrant: time.Hour})
		must(t, err)
		defer s.Close()
		furnish(t, s)
		long := insert(t, s, func(g *grant.Grant) { g.CodeSpentAt, g.ExpiresAt = noon, g.EndsAt })
		short := insert(t, s, func(g *grant.Grant) { g.Bucket--; g.EndsAt = noon.Add(time.Minute) })
		revoked := insert(t, s, func(g *grant.Grant) { g.Bucket -= 2 })
		must(t, s.RevokeGrant(t.Context(), revoked.Ref, "", grant.WhyOperator, noon))

		now := noon.Add(30 * day)
		_, err = s.Purge(t.Context(), now)
		must(t, err)
		wantLive(t, s, long.Ref, now, true)
		sizes, err := s.Sizes(t.Context())
		must(t, err)
		wantSame(t, "grants left beside "+short.ID.String(), sizes.Grants, int64(1))
	})
}

// TestManyRowsGoInBatches has more of one kind than one statement removes.
func TestManyRowsGoInBatches(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		const many = 1200
		for i := range many {
			must(t, s.DenyToken(t.Context(), strconv.Itoa(i), noon))
		}
		must(t, s.DenyToken(t.Context(), "young", noon.Add(day)))
		purged, err := s.Purge(t.Context(), noon.Add(2*time.Hour))
		must(t, err)
		wantSame(t, "rows purged", purged.Rows, int64(many))
		sizes, err := s.Sizes(t.Context())
		must(t, err)
		wantSame(t, "rows left", sizes.Rows, int64(1))
	})
}

func TestReplicasPurgeAtOnce(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		one, two := storetest.Open(t, url), storetest.Open(t, url)
		furnish(t, one)
		for i := range 20 {
			insert(t, one, func(g *grant.Grant) { g.Bucket -= grant.Bucket(i); g.EndsAt = noon })
			must(t, one.DenyToken(t.Context(), strconv.Itoa(i), noon))
		}
		for _, err := range race(t, one, two, func(ctx context.Context, s *store.Store) error {
			_, err := s.Purge(ctx, noon.Add(200*day))
			return err
		}) {
			must(t, err)
		}
		sizes, err := one.Sizes(t.Context())
		must(t, err)
		wantSame(t, "grants and rows left", []int64{sizes.Grants, sizes.Rows}, []int64{0, 0})
	})
}

func TestRunPurge(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		var log lines
		s, err := store.Open(t.Context(), store.Config{
			URL: url, Now: func() time.Time { return noon.Add(day) },
			Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		})
		must(t, err)
		defer s.Close()
		must(t, s.DenyToken(t.Context(), "old", noon))

		ctx, stop := context.WithCancel(t.Context())
		log.wrote = stop
		s.RunPurge(ctx)
		if !strings.Contains(log.text, "msg=purged partitions=0 grants=0 rows=1") {
			t.Errorf("log is %q, want it to tell of the purge", log.text)
		}
	})
}

// lines calls wrote after the first line.
type lines struct {
	text  string
	wrote func()
}

func (l *lines) Write(p []byte) (int, error) {
	l.text += string(p)
	l.wrote()
	return len(p), nil
}
