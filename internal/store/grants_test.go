package store_test

import (
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

func TestGrantRoundTrip(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		must(t, s.Sessions.InsertSession(t.Context(), fixture.Session("sid", "alice"), nil))
		want := fixture.InsertGrant(t, s, func(g *grant.Grant) { g.SessionID, g.JWKThumbprint, g.CertificateThumbprint = "sid", "jkt", "x5t" })

		got, err := s.Grants.LiveGrant(t.Context(), want.Locator, "", noon)
		must(t, err)
		wantSame(t, "grant read back", got.Grant, *want)
		wantSame(t, "username", got.Username, "name-of-alice")
		wantSame(t, "claims", string(got.Claims), `{"email":"alice@example.org","email_verified":true}`)

		wantErr(t, "InsertGrant again", s.Grants.InsertGrant(t.Context(), want), grant.ErrExists)
	})
}

func TestGrantIsLiveUntilItEnds(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		g := fixture.InsertGrant(t, s, nil)
		fixture.WantLive(t, s, g.Locator, g.EndsAt.Add(-time.Microsecond), true)
		fixture.WantLive(t, s, g.Locator, g.EndsAt, false)
		fixture.WantLive(t, s, grant.Locator{Partition: g.Partition, ID: grant.NewID(noon)}, noon, false)
		fixture.WantLive(t, s, grant.Locator{Partition: g.Partition.Next(), ID: g.ID}, noon, false)
	})
}

// A token from an authorization response has no code whose redemption checks the
// session.
func TestGrantWithoutACodeEndsWithItsSession(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		must(t, s.Sessions.InsertSession(t.Context(), fixture.Session("sid", "alice"), nil))
		exchanged := fixture.InsertGrant(t, s, func(g *grant.Grant) { g.SessionID = "sid" })
		fixture.RedeemCode(t, s, exchanged)
		given := fixture.InsertGrant(t, s, func(g *grant.Grant) {
			g.Kind, g.CodeExpiresAt, g.SessionID = grant.KindImplicit, time.Time{}, "sid"
		})
		fixture.WantLive(t, s, given.Locator, noon, true)

		// as if the end of the session had not seen it
		late := fixture.InsertGrant(t, s, func(g *grant.Grant) { g.SessionID = "gone" })
		fixture.WantLive(t, s, late.Locator, noon, false)
		_, err := s.Sessions.EndSession(t.Context(), "sid", noon)
		must(t, err)
		fixture.WantLive(t, s, given.Locator, noon, false)
		fixture.WantLive(t, s, exchanged.Locator, noon, false)
	})
}

func TestRevocation(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		g, other := fixture.InsertGrant(t, s, nil), fixture.InsertGrant(t, s, nil)

		must(t, s.Grants.RevokeGrant(t.Context(), g.Locator, "another client", grant.RevokedByClient, noon))
		fixture.WantLive(t, s, g.Locator, noon, true)
		must(t, s.Grants.RevokeGrant(t.Context(), g.Locator, "rp", grant.RevokedByClient, noon))
		fixture.WantLive(t, s, g.Locator, noon, false)
		must(t, s.Grants.RevokeGrant(t.Context(), g.Locator, "", grant.RevokedByOperator, noon))
		must(t, s.Grants.RevokeGrant(t.Context(), grant.Locator{ID: grant.NewID(noon)}, "", grant.RevokedByOperator, noon))
		fixture.WantLive(t, s, other.Locator, noon, true)
	})
}

func TestTokenIsRevokedAlone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		g := fixture.InsertGrant(t, s, nil)
		must(t, s.Grants.DenyToken(t.Context(), "denied", noon.Add(time.Minute)))
		must(t, s.Grants.DenyToken(t.Context(), "denied", noon))

		_, err := s.Grants.LiveGrant(t.Context(), g.Locator, "denied", noon)
		wantErr(t, "LiveGrant of the denied token", err, grant.ErrNotFound)
		_, err = s.Grants.LiveGrant(t.Context(), g.Locator, "another", noon)
		must(t, err)
		wantErr(t, "LiveClient of the denied token", s.Grants.LiveClient(t.Context(), "rp", "denied", noon, noon), grant.ErrNotFound)
		must(t, s.Grants.LiveClient(t.Context(), "rp", "another", noon, noon))
		wantErr(t, "LiveClient of an unknown record", s.Grants.LiveClient(t.Context(), "unknown", "", noon, noon), grant.ErrNotFound)
	})
}

func TestCodeIsRedeemedOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		g := fixture.InsertGrant(t, s, nil)
		first := grant.CodeRedemption{Ref: g.Locator, ClientID: "rp", Now: noon.Add(time.Second)}

		held, err := s.Grants.RedeemCode(t.Context(), first)
		must(t, err)
		want := *g
		want.CodeRedeemedAt, want.RefreshGeneration = first.Now, 1
		wantSame(t, "the spent grant", held.Grant, want)
		wantSame(t, "username", held.Username, "name-of-alice")

		again := first
		again.Now = noon.Add(time.Hour)
		held, err = s.Grants.RedeemCode(t.Context(), again)
		wantErr(t, "RedeemCode again", err, grant.ErrSpent)
		wantSame(t, "the returned grant", held.Grant, want)

		must(t, s.Grants.RevokeGrant(t.Context(), g.Locator, "", grant.RevokedForCodeReuse, noon))
		held, err = s.Grants.RedeemCode(t.Context(), again)
		wantErr(t, "RedeemCode of a revoked grant", err, grant.ErrNotFound)
		if held != nil {
			t.Errorf("RedeemCode of a revoked grant gave %v", held)
		}
	})
}

func TestCodeIsRejected(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		grant func(*grant.Grant)
		spend func(*grant.CodeRedemption)
	}{
		"of another client":     {spend: func(sp *grant.CodeRedemption) { sp.ClientID = "other" }},
		"that is unknown":       {spend: func(sp *grant.CodeRedemption) { sp.Ref.ID = grant.NewID(noon) }},
		"of another bucket":     {spend: func(sp *grant.CodeRedemption) { sp.Ref.Partition++ }},
		"that is too old":       {spend: func(sp *grant.CodeRedemption) { sp.Now = noon.Add(time.Minute) }},
		"of another key":        {func(g *grant.Grant) { g.JWKThumbprint = "theirs" }, func(sp *grant.CodeRedemption) { sp.Sender.JKT = "mine" }},
		"without its key":       {grant: func(g *grant.Grant) { g.JWKThumbprint = "theirs" }},
		"of an unknown account": {grant: func(g *grant.Grant) { g.Subject = "unknown" }},
		"older than its client": {grant: func(g *grant.Grant) { g.CreatedAt = noon.Add(-2 * time.Hour) }},
		"without its session":   {grant: func(g *grant.Grant) { g.SessionID = "gone" }},
		"of no code at all":     {grant: func(g *grant.Grant) { g.CodeExpiresAt = time.Time{} }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				fixture.Seed(t, s)
				g := fixture.InsertGrant(t, s, tc.grant)
				sp := grant.CodeRedemption{Ref: g.Locator, ClientID: "rp", Now: noon.Add(time.Second)}
				if tc.spend != nil {
					tc.spend(&sp)
				}
				held, err := s.Grants.RedeemCode(t.Context(), sp)
				wantErr(t, "RedeemCode", err, grant.ErrNotFound)
				if held != nil {
					t.Errorf("RedeemCode gave %v", held)
				}
			})
		})
	}
}

func TestRejectedCodeStaysValid(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		g := fixture.InsertGrant(t, s, func(g *grant.Grant) { g.JWKThumbprint = "key" })
		_, err := s.Grants.RedeemCode(t.Context(), grant.CodeRedemption{Ref: g.Locator, ClientID: "other", Sender: grant.Confirmation{JKT: "key"}, Now: noon})
		wantErr(t, "RedeemCode by another client", err, grant.ErrNotFound)
		_, err = s.Grants.RedeemCode(t.Context(), grant.CodeRedemption{Ref: g.Locator, ClientID: "rp", Sender: grant.Confirmation{JKT: "other"}, Now: noon})
		wantErr(t, "RedeemCode with another key", err, grant.ErrNotFound)
		fixture.RedeemCode(t, s, g)
		_, err = s.Grants.RedeemCode(t.Context(), grant.CodeRedemption{Ref: g.Locator, ClientID: "other", Sender: grant.Confirmation{JKT: "key"}, Now: noon})
		wantErr(t, "RedeemCode of a spent code by another client", err, grant.ErrNotFound)
		_, err = s.Grants.RedeemCode(t.Context(), grant.CodeRedemption{Ref: g.Locator, ClientID: "rp", Sender: grant.Confirmation{JKT: "other"}, Now: noon})
		wantErr(t, "RedeemCode of a spent code with another key", err, grant.ErrSpent)
	})
}

func TestRefreshTokenRotates(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		g := fixture.InsertGrant(t, s, nil)
		rotation := func(generation int64) grant.RefreshRotation {
			return grant.RefreshRotation{Ref: g.Locator, ClientID: "rp", Generation: generation, ExpiresAt: noon.Add(48 * time.Hour), Now: noon.Add(time.Minute)}
		}
		_, err := s.Grants.RotateRefresh(t.Context(), rotation(0))
		wantErr(t, "RotateRefresh before the code is spent", err, grant.ErrNotFound)

		want := fixture.RedeemCode(t, s, g).Grant
		held, err := s.Grants.RotateRefresh(t.Context(), rotation(1))
		must(t, err)
		want.RefreshGeneration, want.RefreshRotatedAt, want.ExpiresAt = 2, noon.Add(time.Minute), noon.Add(48*time.Hour)
		wantSame(t, "the rotated grant", held.Grant, want)

		held, err = s.Grants.RotateRefresh(t.Context(), rotation(1))
		wantErr(t, "RotateRefresh again", err, grant.ErrStaleGeneration)
		wantSame(t, "the returned grant", held.Grant, want)
		_, err = s.Grants.RotateRefresh(t.Context(), rotation(3))
		wantErr(t, "RotateRefresh of a generation to come", err, grant.ErrNotFound)

		kept := rotation(2)
		kept.KeepGeneration, kept.ExpiresAt, kept.Now = true, g.EndsAt.Add(time.Hour), noon.Add(time.Hour)
		held, err = s.Grants.RotateRefresh(t.Context(), kept)
		must(t, err)
		want.ExpiresAt = g.EndsAt
		wantSame(t, "the grant that kept its generation", held.Grant, want)
	})
}

func TestRefreshIsRejected(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		grant  func(*grant.Grant)
		rotate func(*grant.RefreshRotation)
	}{
		"of another client":                        {rotate: func(r *grant.RefreshRotation) { r.ClientID = "other" }},
		"that is unknown":                          {rotate: func(r *grant.RefreshRotation) { r.Ref.ID = grant.NewID(noon) }},
		"that has expired":                         {rotate: func(r *grant.RefreshRotation) { r.Now = noon.Add(24 * time.Hour) }},
		"with another key":                         {func(g *grant.Grant) { g.JWKThumbprint = "theirs" }, func(r *grant.RefreshRotation) { r.Sender.JKT = "mine" }},
		"without the key":                          {func(g *grant.Grant) { g.JWKThumbprint = "theirs" }, func(r *grant.RefreshRotation) { r.Sender.JKT = "" }},
		"of an older generation by another client": {rotate: func(r *grant.RefreshRotation) { r.ClientID, r.Generation = "other", 0 }},
		"of an older generation that has expired":  {rotate: func(r *grant.RefreshRotation) { r.Now, r.Generation = noon.Add(24*time.Hour), 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				fixture.Seed(t, s)
				g := fixture.InsertGrant(t, s, tc.grant)
				fixture.RedeemCode(t, s, g)
				r := grant.RefreshRotation{Ref: g.Locator, ClientID: "rp", Sender: grant.Confirmation{JKT: g.JWKThumbprint}, Generation: 1, ExpiresAt: noon.Add(time.Hour), Now: noon.Add(time.Minute)}
				tc.rotate(&r)
				held, err := s.Grants.RotateRefresh(t.Context(), r)
				wantErr(t, "RotateRefresh", err, grant.ErrNotFound)
				if held != nil {
					t.Errorf("RotateRefresh gave %v", held)
				}
			})
		})
	}
}

func TestGrantsAreListed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		must(t, s.Clients.InsertClient(t.Context(), fixture.Client("other")))
		at := func(minute int, change func(*grant.Grant)) *grant.Grant {
			return fixture.InsertGrant(t, s, func(g *grant.Grant) {
				g.ID = grant.NewID(noon.Add(time.Duration(minute) * time.Minute))
				change(g)
			})
		}
		a := at(0, func(g *grant.Grant) {})
		b := at(1, func(g *grant.Grant) { g.Subject = "bob" })
		c := at(2, func(g *grant.Grant) { g.ClientID = "other" })
		revoked := at(3, func(*grant.Grant) {})
		must(t, s.Grants.RevokeGrant(t.Context(), revoked.Locator, "", grant.RevokedByOperator, noon))
		at(4, func(g *grant.Grant) { g.EndsAt = noon })
		at(5, func(g *grant.Grant) { g.Subject = "unknown" })

		for name, tc := range map[string]struct {
			filter store.GrantFilter
			after  grant.Locator
			limit  int
			want   []*grant.Grant
		}{
			"all":                  {store.GrantFilter{}, grant.Locator{}, 10, []*grant.Grant{a, b, c}},
			"of a client":          {store.GrantFilter{ClientID: "rp"}, grant.Locator{}, 10, []*grant.Grant{a, b}},
			"of a subject":         {store.GrantFilter{Subject: "alice"}, grant.Locator{}, 10, []*grant.Grant{a, c}},
			"of both":              {store.GrantFilter{ClientID: "other", Subject: "alice"}, grant.Locator{}, 10, []*grant.Grant{c}},
			"the first":            {store.GrantFilter{}, grant.Locator{}, 1, []*grant.Grant{a}},
			"those that follow it": {store.GrantFilter{}, a.Locator, 10, []*grant.Grant{b, c}},
		} {
			got, err := s.Grants.ListGrants(t.Context(), tc.filter, tc.after, tc.limit, noon)
			must(t, err)
			wantSame(t, "grants, "+name, got, tc.want)
		}
	})
}
