package store_test

import (
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

func TestConsentsAreListedAndRevoked(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		fixture.Seed(t, s)
		for _, id := range []string{"one", "two"} {
			must(t, s.Clients.InsertClient(ctx, fixture.Client(id)))
		}
		must(t, s.Sessions.InsertSession(ctx, fixture.Session("sid", "alice"), nil))
		remember := func(clientID, sessionID string, until time.Time) {
			t.Helper()
			must(t, s.Consents.SaveConsent(ctx, &consent.Consent{
				Subject: "alice", ClientID: clientID, SessionID: sessionID, Scopes: []string{"openid"}, GivenAt: noon, ExpiresAt: until,
			}))
		}
		remember("one", "", time.Time{})
		remember("one", "sid", noon.Add(time.Hour))
		remember("two", "", noon) // expired
		of := func(clientID, sessionID string) *grant.Grant {
			t.Helper()
			return fixture.InsertGrant(t, s, func(g *grant.Grant) { g.Subject, g.ClientID, g.SessionID = "alice", clientID, sessionID })
		}
		covered, bare, other := of("one", ""), of("two", "sid"), of("rp", "")

		list, err := s.Consents.ListConsents(ctx, "alice", "", consent.Consent{}, 1, noon)
		must(t, err)
		wantSame(t, "the first consent", []string{list[0].ClientID, list[0].SessionID}, []string{"one", ""})
		list, err = s.Consents.ListConsents(ctx, "alice", "", *list[0], 9, noon)
		must(t, err)
		wantSame(t, "the others", len(list), 1)
		list, err = s.Consents.ListConsents(ctx, "alice", "sid", consent.Consent{}, 9, noon)
		must(t, err)
		wantSame(t, "those of the session", len(list), 1)

		grants, err := s.Grants.ListGrantsWithoutConsent(ctx, "alice", "", grant.Locator{}, 9, noon)
		must(t, err)
		wantSame(t, "grants without consent", len(grants), 2)
		grants, err = s.Grants.ListGrantsWithoutConsent(ctx, "alice", "sid", grant.Locator{}, 9, noon)
		must(t, err)
		wantSame(t, "grants in the session", len(grants), 1)

		must(t, s.Grants.RevokeGrantsIn(ctx, "sid", noon))
		fixture.WantLive(t, s, bare.Locator, noon, false)
		must(t, s.Consents.RevokeConsents(ctx, "alice", "one", noon))
		fixture.WantLive(t, s, covered.Locator, noon, false)
		fixture.WantLive(t, s, other.Locator, noon, true)
		must(t, s.Grants.RevokeGrantsOf(ctx, "alice", "rp", noon))
		fixture.WantLive(t, s, other.Locator, noon, false)
		list, err = s.Consents.ListConsents(ctx, "alice", "", consent.Consent{}, 9, noon)
		must(t, err)
		wantSame(t, "consents left", len(list), 0)
		must(t, s.Consents.RevokeConsents(ctx, "alice", "", noon))
	})
}
