package store_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/ciba"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

func aBackchannelRequest(clientID, subject string, now time.Time) *ciba.Request {
	return &ciba.Request{
		Grant: grant.Locator{Partition: grant.PartitionAt(now, true), ID: grant.NewID(now)}, ClientID: clientID, Subject: subject,
		Details: ciba.Details{
			Scopes: []string{"openid", "offline_access"}, Resources: []string{"https://api.example/"}, BindingMessage: "1234", ACRValues: []string{"2"}, Network: "192.0.2.1",
		},
		Seed: []byte("0123456789abcdef0123456789abcdef"), Interval: ciba.Interval, CreatedAt: now, ExpiresAt: now.Add(2 * time.Minute),
	}
}

func pollingRequest(r *ciba.Request, now time.Time) grant.Poll {
	return grant.Poll{Ref: r.Grant, ClientID: r.ClientID, Slack: time.Second, Penalty: 5 * time.Second, Now: now}
}

// grantOfRequest returns the grant of a request.
func grantOfRequest(r *ciba.Request) *grant.Grant {
	g := fixture.Grant(r.ClientID, r.Subject)
	g.Locator, g.Kind, g.Seed, g.SessionID, g.CodeExpiresAt = r.Grant, grant.KindCIBA, nil, "", time.Time{}
	return g
}

func TestBackchannelRequestWaitsForADecision(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		fixture.Seed(t, s)
		r, later, unknown := aBackchannelRequest("rp", "alice", noon), aBackchannelRequest("rp", "alice", noon.Add(time.Second)), aBackchannelRequest("rp", "", noon)
		for _, one := range []*ciba.Request{r, later, unknown} {
			must(t, s.Backchannel.InsertBackchannel(ctx, &store.Arrival{Request: one, Person: "a person"}))
		}
		got, err := s.Backchannel.OpenBackchannel(ctx, r.Grant.ID, noon)
		must(t, err)
		wantSame(t, "an open request", got, r)
		for name, subject := range map[string]string{"of all users": "", "of one user": "alice"} {
			list, err := s.Backchannel.ListBackchannel(ctx, subject, nil, 10, noon)
			must(t, err)
			wantSame(t, name, list, []*ciba.Request{r, later})
			rest, err := s.Backchannel.ListBackchannel(ctx, subject, r, 10, noon)
			must(t, err)
			wantSame(t, name+", the second page", rest, []*ciba.Request{later})
		}
		list, err := s.Backchannel.ListBackchannel(ctx, "bob", nil, 10, noon)
		must(t, err)
		if len(list) > 0 {
			t.Errorf("another user has %v", list)
		}

		other := pollingRequest(r, noon)
		other.ClientID = "other"
		_, err = s.Backchannel.PollBackchannel(ctx, other)
		wantErr(t, "another client's poll", err, grant.ErrNotFound)
		_, err = s.Backchannel.PollBackchannel(ctx, pollingRequest(r, r.ExpiresAt))
		wantErr(t, "a poll after its end", err, ciba.ErrExpired)
		_, err = s.Backchannel.PollBackchannel(ctx, pollingRequest(aBackchannelRequest("rp", "alice", noon), noon))
		wantErr(t, "a poll long after its end", err, ciba.ErrExpired)

		foreign := grantOfRequest(r)
		foreign.ClientID = "other"
		wantErr(t, "allowing another client's", s.Backchannel.AllowBackchannel(ctx, r, foreign, noon), ciba.ErrNotFound)
		wantErr(t, "allowing too late", s.Backchannel.AllowBackchannel(ctx, r, grantOfRequest(r), r.ExpiresAt), ciba.ErrNotFound)
		must(t, s.Backchannel.AllowBackchannel(ctx, r, grantOfRequest(r), noon))
		wantErr(t, "allowing it again", s.Backchannel.AllowBackchannel(ctx, r, grantOfRequest(r), noon), ciba.ErrNotFound)
		wantErr(t, "denying it then", s.Backchannel.DenyBackchannel(ctx, r, noon), ciba.ErrNotFound)
		_, err = s.Backchannel.OpenBackchannel(ctx, r.Grant.ID, noon)
		wantErr(t, "a decided request", err, ciba.ErrNotFound)
		state, err := s.Backchannel.PollBackchannel(ctx, pollingRequest(r, noon))
		must(t, err)
		wantSame(t, "the state", state, &grant.PollState{Seed: r.Seed, Allowed: true})
		held, err := s.Grants.RedeemCode(ctx, grant.CodeRedemption{Ref: r.Grant, ClientID: "rp", Now: noon})
		must(t, err)
		if held.Subject != "alice" || held.Kind != grant.KindCIBA || string(held.Seed) != string(r.Seed) || !held.CodeExpiresAt.Equal(r.ExpiresAt) {
			t.Errorf("the grant is %+v", held)
		}

		must(t, s.Backchannel.DenyBackchannel(ctx, later, noon))
		wantErr(t, "allowing what was denied", s.Backchannel.AllowBackchannel(ctx, later, grantOfRequest(later), noon), ciba.ErrNotFound)
		state, err = s.Backchannel.PollBackchannel(ctx, pollingRequest(later, noon))
		must(t, err)
		if state.Allowed || !state.DeniedAt.Equal(noon) {
			t.Errorf("a denied request is %+v", state)
		}
	})
}

// The limits of a person hold at all replicas together.
func TestConcurrentRequestsKeepTheLimits(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		replicas := []*store.Store{storetest.Open(t, url), storetest.Open(t, url)}
		fixture.Seed(t, replicas[0])
		insert := func(count int, subject string, now time.Time) (inserted int64) {
			var wait sync.WaitGroup
			for i := range count {
				wait.Go(func() {
					err := replicas[i%2].Backchannel.InsertBackchannel(t.Context(), &store.Arrival{
						Request: aBackchannelRequest("rp", subject, now), Person: "person " + subject, Limits: ciba.Limits{Open: 3, PerHour: 5}, WrongHints: 2,
					})
					if tooMany := (*ciba.TooManyError)(nil); errors.As(err, &tooMany) {
						if tooMany.RetryAfter <= 0 || tooMany.Limit == "" {
							t.Errorf("the error is %+v", tooMany)
						}
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					atomic.AddInt64(&inserted, 1)
				})
			}
			wait.Wait()
			return inserted
		}
		for _, step := range []struct {
			name    string
			subject string
			now     time.Time
			want    int64
		}{
			{"open", "alice", noon, 3},
			{"in the hour", "alice", noon.Add(3 * time.Minute), 2},
			{"in the next hour", "alice", noon.Add(61 * time.Minute), 3},
			{"wrong hints", "", noon.Add(3 * time.Hour), 2},
			{"after wrong hints", "bob", noon.Add(3 * time.Hour), 0},
			{"wrong hints of the next hour", "", noon.Add(5 * time.Hour), 2},
		} {
			if got := insert(8, step.subject, step.now); got != step.want {
				t.Errorf("%s: %d requests, want %d", step.name, got, step.want)
			}
		}
	})
}

// Requests of a blocked client are denied at once, and do not count.
func TestBlockedClients(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		fixture.Seed(t, s)
		insert := func(clientID, subject string) *ciba.Request {
			r := aBackchannelRequest(clientID, subject, noon)
			must(t, s.Backchannel.InsertBackchannel(ctx, &store.Arrival{Request: r, Person: "person " + subject, Limits: ciba.Limits{Open: 2, PerHour: 3}}))
			return r
		}
		wantOpen := func(name string, r *ciba.Request, open bool) {
			t.Helper()
			if _, err := s.Backchannel.OpenBackchannel(ctx, r.Grant.ID, noon); errors.Is(err, ciba.ErrNotFound) == open {
				t.Errorf("%s: %v", name, err)
			}
		}
		first := insert("rp", "alice")
		must(t, s.Backchannel.DenyAndBlock(ctx, first, noon))
		wantErr(t, "blocking a decided request", s.Backchannel.DenyAndBlock(ctx, first, noon), ciba.ErrNotFound)
		for range 5 {
			wantOpen("of a blocked client", insert("rp", "alice"), false)
		}
		wantOpen("of another client", insert("other", "alice"), true)
		wantOpen("for another user", insert("rp", "bob"), true)
		blocked, err := s.Backchannel.BlockedClients(ctx, "alice", 10)
		must(t, err)
		wantSame(t, "the blocked clients", blocked, []string{"rp"})
		count, err := s.Backchannel.CountBackchannel(ctx, "alice", noon)
		must(t, err)
		if count != 1 {
			t.Errorf("%d requests wait, want 1", count)
		}
		must(t, s.Backchannel.UnblockClient(ctx, "alice", "rp"))
		wantOpen("of an unblocked client", insert("rp", "alice"), true)
		must(t, s.Accounts.DeleteAccount(ctx, "bob", noon))
	})
}

// Of any number of concurrent decisions one succeeds.
func TestBackchannelRequestIsDecidedOnce(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		a, b := storetest.Open(t, url), storetest.Open(t, url)
		fixture.Seed(t, a)
		for range 10 {
			r := aBackchannelRequest("rp", "alice", noon)
			must(t, a.Backchannel.InsertBackchannel(t.Context(), &store.Arrival{Request: r}))
			decisions := []func(context.Context) error{
				func(ctx context.Context) error {
					return a.Backchannel.AllowBackchannel(ctx, r, grantOfRequest(r), noon)
				},
				func(ctx context.Context) error {
					return b.Backchannel.AllowBackchannel(ctx, r, grantOfRequest(r), noon)
				},
				func(ctx context.Context) error { return a.Backchannel.DenyBackchannel(ctx, r, noon) },
				func(ctx context.Context) error { return b.Backchannel.DenyBackchannel(ctx, r, noon) },
			}
			var wait sync.WaitGroup
			var succeeded atomic.Int64
			for _, decide := range decisions {
				wait.Go(func() {
					if err := decide(t.Context()); err == nil {
						succeeded.Add(1)
					} else if !errors.Is(err, ciba.ErrNotFound) {
						t.Error(err)
					}
				})
			}
			wait.Wait()
			if succeeded.Load() != 1 {
				t.Errorf("%d decisions succeeded, want 1", succeeded.Load())
			}
		}
	})
}
