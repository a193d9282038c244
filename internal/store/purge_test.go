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
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

const day = 24 * time.Hour

// TestPurgeKeepsLiveGrantsOfOldPartitions shortens the configured lifetimes while older
// grants are valid for longer.
func TestPurgeKeepsLiveGrantsOfOldPartitions(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s, err := store.Open(t.Context(), store.Config{URL: url, GrantLifetime: time.Hour})
		must(t, err)
		defer s.Close()
		fixture.Seed(t, s)
		long := fixture.InsertGrant(t, s, func(g *grant.Grant) { g.CodeRedeemedAt, g.ExpiresAt = noon, g.EndsAt })
		short := fixture.InsertGrant(t, s, func(g *grant.Grant) { g.Partition--; g.EndsAt = noon.Add(time.Minute) })
		revoked := fixture.InsertGrant(t, s, func(g *grant.Grant) { g.Partition -= 2 })
		must(t, s.Grants.RevokeGrant(t.Context(), revoked.Locator, "", grant.RevokedByOperator, noon))

		now := noon.Add(30 * day)
		_, err = s.Purge(t.Context(), now)
		must(t, err)
		fixture.WantLive(t, s, long.Locator, now, true)
		sizes, err := s.Sizes(t.Context())
		must(t, err)
		wantSame(t, "grants left beside "+short.ID.String(), sizes.Grants, int64(1))
	})
}

// TestPurgeDeletesInBatches purges more rows of a table than one statement deletes.
func TestPurgeDeletesInBatches(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		const many = 1200
		for i := range many {
			must(t, s.Grants.DenyToken(t.Context(), strconv.Itoa(i), noon))
		}
		must(t, s.Grants.DenyToken(t.Context(), "young", noon.Add(day)))
		purged, err := s.Purge(t.Context(), noon.Add(2*time.Hour))
		must(t, err)
		wantSame(t, "rows purged", purged.Rows, int64(many))
		sizes, err := s.Sizes(t.Context())
		must(t, err)
		wantSame(t, "rows left", sizes.Rows, int64(1))
	})
}

func TestReplicasPurgeConcurrently(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		// Each of 32 purges needs a connection within a second, even on a busy machine.
		open := func() *store.Store {
			s, err := store.Open(t.Context(), store.Config{URL: url, MaxConns: 16})
			must(t, err)
			t.Cleanup(s.Close)
			return s
		}
		one, two := open(), open()
		fixture.Seed(t, one)
		for i := range 20 {
			fixture.InsertGrant(t, one, func(g *grant.Grant) { g.Partition -= grant.Partition(i); g.EndsAt = noon })
			must(t, one.Grants.DenyToken(t.Context(), strconv.Itoa(i), noon))
		}
		for _, err := range fixture.Race(t, one, two, func(ctx context.Context, s *store.Store) error {
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
		must(t, s.Grants.DenyToken(t.Context(), "old", noon))

		ctx, stop := context.WithCancel(t.Context())
		log.wrote = stop
		s.RunPurge(ctx)
		if !strings.Contains(log.text, "msg=purged partitions=0 grants=0 rows=1") {
			t.Errorf("log is %q, want it to tell of the purge", log.text)
		}
	})
}

// lines is a log that calls wrote after the first line.
type lines struct {
	text  string
	wrote func()
}

func (l *lines) Write(p []byte) (int, error) {
	l.text += string(p)
	l.wrote()
	return len(p), nil
}

// After a month without a server all records have expired. The purge deletes them in
// small steps, between which requests proceed.
func TestPurgeOfABacklogDoesNotBlockRequests(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		const many = 6000
		s := storetest.Open(t, url)
		fixture.Seed(t, s)
		for back := range grant.Partition(5) {
			fixture.InsertGrant(t, s, func(g *grant.Grant) {
				g.Partition, g.ExpiresAt, g.EndsAt = grant.PartitionAt(noon, false)-back, noon.Add(time.Hour), noon.Add(time.Hour)
			})
		}
		_, err := openOutside(t, url).ExecContext(t.Context(), fmt.Sprintf(`
			WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %d)
			INSERT INTO revoked_tokens (jti, until) SELECT 'token-' || n, %d FROM numbers`, many, noon.UnixMicro()))
		must(t, err)

		now := noon.Add(31 * day)
		var purged store.Purged
		ended := make(chan error)
		go func() {
			var err error
			purged, err = s.Purge(t.Context(), now)
			ended <- err
		}()
		requests := 0
		for waiting := true; waiting; {
			select {
			case err := <-ended:
				must(t, err)
				waiting = false
			default:
				g := fixture.InsertGrant(t, s, func(g *grant.Grant) {
					g.Locator = grant.Locator{Partition: grant.PartitionAt(now, true), ID: grant.NewID(now)}
					g.CreatedAt, g.CodeExpiresAt, g.ExpiresAt, g.EndsAt = now, now.Add(time.Minute), now.Add(day), now.Add(day)
				})
				fixture.WantLive(t, s, g.Locator, now, true)
				requests++
			}
		}
		if requests < 10 {
			t.Errorf("%d requests were served during the purge, want more", requests)
		}
		wantSame(t, "rows purged", purged.Rows, int64(many))
		sizes, err := s.Sizes(t.Context())
		must(t, err)
		wantSame(t, "grants left beside those of the requests", sizes.Grants-int64(requests), int64(0))
		if s.Engine() == "postgres" {
			wantSame(t, "partitions dropped", purged.Partitions, 5)
		}
	})
}
