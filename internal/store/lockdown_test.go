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

func TestLockdownEndsEverythingAndKeepsEvidence(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		fixture.Seed(t, s)
		must(t, s.Sessions.InsertSession(ctx, fixture.Session("sid", "alice"), nil))
		inSession := fixture.InsertGrant(t, s, func(g *grant.Grant) { g.SessionID = "sid" })
		offline := fixture.InsertGrant(t, s, func(g *grant.Grant) { g.SessionID = "" })
		must(t, s.Consents.SaveConsent(ctx, &consent.Consent{Subject: "alice", ClientID: "rp", Scopes: []string{"openid"}, GivenAt: noon}))
		lockedAt := noon.Add(time.Minute)

		must(t, s.Accounts.LockAccount(ctx, "alice", lockedAt))
		a, err := s.Accounts.Account(ctx, "alice")
		must(t, err)
		wantSame(t, "locked at", a.LockedAt.Equal(lockedAt), true)
		wantSame(t, "disabled at", a.DisabledAt.Equal(lockedAt), true)
		_, _, err = s.Sessions.SessionAndConsent(ctx, fixture.CookieHash("sid"), "rp", lockedAt)
		wantErr(t, "the session", err, session.ErrNotFound)
		fixture.WantLive(t, s, inSession.Locator, lockedAt, false)
		fixture.WantLive(t, s, offline.Locator, lockedAt, false)
		kept, err := s.Consents.ListConsents(ctx, "alice", "", consent.Consent{}, 10, lockedAt)
		must(t, err)
		wantSame(t, "consents that are kept", len(kept), 1)

		must(t, s.Accounts.SetDisabled(ctx, "alice", false, lockedAt.Add(time.Second)))
		a, err = s.Accounts.Account(ctx, "alice")
		must(t, err)
		wantSame(t, "disabled after enabling a locked account", a.DisabledAt.Equal(lockedAt), true)

		must(t, s.Accounts.EndLockdown(ctx, "alice", lockedAt.Add(time.Minute)))
		a, err = s.Accounts.Account(ctx, "alice")
		must(t, err)
		wantSame(t, "locked and disabled after the lockdown", [2]bool{a.LockedAt.IsZero(), a.DisabledAt.IsZero()}, [2]bool{true, true})
		fixture.WantLive(t, s, offline.Locator, lockedAt.Add(time.Minute), false)
		wantSame(t, "activity", kinds(t, s, "alice"), []string{"signed_in pwd otp", "locked ", "unlocked "})
		must(t, s.Accounts.EndLockdown(ctx, "alice", lockedAt.Add(2*time.Minute))) // clears failures only
		wantSame(t, "events of a second unlock", len(kinds(t, s, "alice")), 3)
		wantErr(t, "an unknown account", s.Accounts.LockAccount(ctx, "unknown", noon), account.ErrNotFound)
	})
}

func TestAccountDisabledBeforeLockdownStaysDisabled(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		must(t, s.Accounts.SetDisabled(t.Context(), "alice", true, noon))
		must(t, s.Accounts.LockAccount(t.Context(), "alice", noon.Add(time.Minute)))
		must(t, s.Accounts.EndLockdown(t.Context(), "alice", noon.Add(time.Hour)))
		a, err := s.Accounts.Account(t.Context(), "alice")
		must(t, err)
		wantSame(t, "disabled at", a.DisabledAt.Equal(noon), true)
	})
}
