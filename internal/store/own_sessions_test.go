package store_test

import (
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

func insertSessions(t *testing.T, s *store.Store, subject string, ids ...string) {
	t.Helper()
	for i, id := range ids {
		n := fixture.Session(id, subject)
		n.SeenAt = noon.Add(time.Duration(i) * time.Minute)
		must(t, s.Sessions.InsertSession(t.Context(), n, nil))
	}
}

func ids(list []*session.Session) (ids []string) {
	for _, n := range list {
		ids = append(ids, n.ID)
	}
	return ids
}

func TestRecentSessions(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		insertSessions(t, s, "alice", "one", "two", "three")
		insertSessions(t, s, "bob", "other")
		first, err := s.Sessions.RecentSessions(t.Context(), "alice", nil, 2, noon.Add(time.Minute))
		must(t, err)
		wantSame(t, "first page", ids(first), []string{"three", "two"})
		next, err := s.Sessions.RecentSessions(t.Context(), "alice", first[1], 2, noon.Add(time.Minute))
		must(t, err)
		wantSame(t, "second page", ids(next), []string{"one"})
		count, err := s.Sessions.CountSessions(t.Context(), "alice", noon)
		must(t, err)
		wantSame(t, "count", count, 3)
		count, err = s.Sessions.CountSessions(t.Context(), "alice", noon.Add(time.Hour))
		must(t, err)
		wantSame(t, "count after the idle timeout", count, 0)
	})
}

func TestEndSessionsOfAUser(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		insertSessions(t, s, "alice", "one", "two", "three")
		insertSessions(t, s, "bob", "other")
		grants := map[string]*grant.Grant{}
		for _, id := range []string{"one", "two", "three"} {
			grants[id] = fixture.InsertGrant(t, s, func(g *grant.Grant) { g.SessionID = id })
			must(t, s.Consents.SaveConsent(t.Context(), &consent.Consent{Subject: "alice", ClientID: "rp", SessionID: id, GivenAt: noon}))
		}
		wantErr(t, "EndSessionOf of another user", s.Sessions.EndSessionOf(t.Context(), "alice", "other", noon), session.ErrNotFound)
		must(t, s.Sessions.EndSessionOf(t.Context(), "alice", "one", noon))
		fixture.WantLive(t, s, grants["one"].Locator, noon, false)
		fixture.WantLive(t, s, grants["two"].Locator, noon, true)
		count, err := s.Sessions.EndOtherSessions(t.Context(), "alice", "three", noon)
		must(t, err)
		wantSame(t, "ended", count, 1)
		fixture.WantLive(t, s, grants["two"].Locator, noon, false)
		fixture.WantLive(t, s, grants["three"].Locator, noon, true)
		consents, err := s.Consents.ListConsents(t.Context(), "alice", "", consent.Consent{}, 9, noon)
		must(t, err)
		wantSame(t, "consents", len(consents), 1)
		left, err := s.Sessions.ListSessions(t.Context(), "", "", 9, noon)
		must(t, err)
		wantSame(t, "sessions", ids(left), []string{"other", "three"})
	})
}

func TestReplacePassword(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		fixture.Seed(t, s)
		insertSessions(t, s, "alice", "one", "two")
		read, err := s.Accounts.Account(ctx, "alice")
		must(t, err)
		must(t, s.Sessions.ReplacePassword(ctx, read, "first", "", noon))
		count, err := s.Sessions.CountSessions(ctx, "alice", noon)
		must(t, err)
		wantSame(t, "sessions that stay", count, 2)
		wantErr(t, "ReplacePassword of a changed account", s.Sessions.ReplacePassword(ctx, read, "second", "one", noon), account.ErrChanged)
		read, err = s.Accounts.Account(ctx, "alice")
		must(t, err)
		wantSame(t, "password", read.PasswordHash(), "first")
		must(t, s.Sessions.ReplacePassword(ctx, read, "second", "one", noon))
		left, err := s.Sessions.ListSessions(ctx, "alice", "", 9, noon)
		must(t, err)
		wantSame(t, "sessions", ids(left), []string{"one"})
	})
}

func TestApplications(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		fixture.Seed(t, s)
		must(t, s.Clients.InsertClient(ctx, fixture.Client("consented")))
		must(t, s.Consents.SaveConsent(ctx, &consent.Consent{Subject: "alice", ClientID: "consented", Scopes: []string{"openid"}, GivenAt: noon}))
		must(t, s.Consents.SaveConsent(ctx, &consent.Consent{Subject: "alice", ClientID: "rp", Scopes: []string{"openid", "email"}, GivenAt: noon.Add(-time.Hour)}))
		fixture.InsertGrant(t, s, nil) // whose code was not redeemed
		redeemed := fixture.InsertGrant(t, s, nil)
		fixture.RedeemCode(t, s, redeemed)
		list, err := s.Consents.Applications(ctx, "alice", noon.Add(time.Minute))
		must(t, err)
		wantSame(t, "applications", len(list), 2)
		wantSame(t, "by consent", list[0], &consent.Application{ClientID: "consented", Scopes: []string{"openid"}, Since: noon})
		rp := list[1]
		wantSame(t, "since", rp.Since.Equal(noon.Add(-time.Hour)), true)
		wantSame(t, "grants", rp.Grants, 1)
		wantSame(t, "scopes", len(rp.Scopes), 3)
		none, err := s.Consents.Applications(ctx, "bob", noon)
		must(t, err)
		wantSame(t, "applications of another user", len(none), 0)
	})
}
