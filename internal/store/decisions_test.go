package store_test

import (
	"context"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// decide accepts a request for alice, and stores a consent to scope.
func decide(ctx context.Context, s *store.Store, id, sessionID, scope string, until, now time.Time) error {
	return s.Requests.RecordDecision(ctx, id, authrequest.Accepted, "alice", &consent.Consent{
		Subject: "alice", ClientID: "rp", SessionID: sessionID, Scopes: []string{scope}, GivenAt: now, ExpiresAt: until,
	}, now)
}

// allowed returns the scopes of the consent in alice's session sid.
func allowed(t *testing.T, s *store.Store, now time.Time) []string {
	t.Helper()
	_, consent, err := s.Sessions.SessionAndConsent(t.Context(), fixture.CookieHash("sid"), "rp", now)
	must(t, err)
	if consent == nil {
		return nil
	}
	return slices.Sorted(slices.Values(consent.Scopes))
}

// Concurrent decisions of several tabs, each about another request, lose no consent.
func TestConcurrentConsentsAreMerged(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		one, two := storetest.Open(t, url), storetest.Open(t, url)
		fixture.Seed(t, one)
		must(t, one.Sessions.InsertSession(t.Context(), fixture.Session("sid", "alice"), nil))
		for i := range 32 {
			must(t, one.Requests.InsertRequest(t.Context(), fixture.Request("request "+strconv.Itoa(i+1))))
		}
		var callers atomic.Int64
		for _, err := range fixture.Race(t, one, two, func(ctx context.Context, s *store.Store) error {
			i := strconv.FormatInt(callers.Add(1), 10)
			return decide(ctx, s, "request "+i, "", "scope"+i, time.Time{}, noon)
		}) {
			must(t, err)
		}
		if got := allowed(t, one, noon); len(got) != 32 {
			t.Errorf("%d of 32 consents are remembered: %q", len(got), got)
		}
	})
}

func TestOnlyValidConsentsAreMerged(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		must(t, s.Sessions.InsertSession(t.Context(), fixture.Session("sid", "alice"), nil))
		for i := range 4 {
			must(t, s.Requests.InsertRequest(t.Context(), fixture.Request(strconv.Itoa(i))))
		}
		later := noon.Add(10 * time.Minute)
		must(t, decide(t.Context(), s, "0", "", "email", later, noon))
		must(t, decide(t.Context(), s, "1", "", "address", later, noon))
		must(t, decide(t.Context(), s, "2", "sid", "profile", time.Time{}, noon))
		wantSame(t, "scopes", allowed(t, s, noon), []string{"address", "email", "profile"})

		// An expired consent does not extend a new one.
		must(t, decide(t.Context(), s, "3", "", "phone", time.Time{}, later))
		wantSame(t, "scopes afterwards", allowed(t, s, later), []string{"phone", "profile"})
		fixture.EndSession(t, s, "sid", later)
		must(t, s.Sessions.InsertSession(t.Context(), fixture.Session("sid", "alice"), nil))
		wantSame(t, "scopes in another session", allowed(t, s, later), []string{"phone"})
	})
}

// A user who signs in after another user has decided makes a separate decision.
func TestDecisionsAreKeptPerSubject(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		must(t, s.Requests.InsertRequest(t.Context(), fixture.Request("request")))
		must(t, s.Requests.RecordDecision(t.Context(), "request", authrequest.Denied, "alice", nil, noon))
		must(t, s.Requests.RecordDecision(t.Context(), "request", authrequest.Accepted, "bob", nil, noon))
		again := s.Requests.RecordDecision(t.Context(), "request", authrequest.Denied, "bob", nil, noon)
		wantErr(t, "bob's second decision", again, authrequest.ErrAlreadyDecided)
		r, err := s.Requests.Request(t.Context(), "request", noon)
		must(t, err)
		if r.Decision != authrequest.Accepted || r.DecidedFor != "bob" {
			t.Errorf("request is %q for %q, want bob's accepted", r.Decision, r.DecidedFor)
		}
	})
}
