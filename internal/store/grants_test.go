package store_test

import (
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func TestGrantIsKeptWhole(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		furnish(t, s)
		must(t, s.InsertSession(t.Context(), aSession("sid", "alice"), nil))
		want := insert(t, s, func(g *grant.Grant) { g.SessionID, g.JKT, g.X5T = "sid", "jkt", "x5t" })

		got, err := s.LiveGrant(t.Context(), want.Ref, "", noon)
		must(t, err)
		wantSame(t, "grant read back", got.Grant, *want)
		wantSame(t, "username", got.Username, "name-of-alice")
		wantSame(t, "claims", string(got.Claims), `{"email":"alice@example.org","email_verified":true}`)

		wantErr(t, "InsertGrant again", s.InsertGrant(t.Context(), want), grant.ErrExists)
	})
}

func TestGrantStandsUntilItsEnd(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		furnish(t, s)
		g := insert(t, s, nil)
		wantLive(t, s, g.Ref, g.EndsAt.Add(-time.Microsecond), true)
		wantLive(t, s, g.Ref, g.EndsAt, false)
		wantLive(t, s, grant.Ref{Bucket: g.Bucket, ID: grant.NewID(noon)}, noon, false)
		wantLive(t, s, grant.Ref{Bucket: g.Bucket.Next(), ID: g.ID}, noon, false)
	})
}

// A token that was in the authorization answer is not carried on by the exchange of
// a code, which looks for the session.
func TestAGrantWithoutAnExchangeStandsWithItsSession(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		furnish(t, s)
		must(t, s.InsertSession(t.Context(), aSession("sid", "alice"), nil))
		exchanged := insert(t, s, func(g *grant.Grant) { g.SessionID = "sid" })
		spend(t, s, exchanged)
		given := insert(t, s, func(g *grant.Grant) {
			g.Kind, g.CodeExpiresAt, g.SessionID = grant.KindImplicit, time.Time{}, "sid"
		})
		wantLive(t, s, given.Ref, noon, true)

		// As the end of a session leaves what it could not see.
		late := insert(t, s, func(g *grant.Grant) { g.SessionID = "gone" })
		wantLive(t, s, late.Ref, noon, false)
		_, err := s.EndSession(t.Context(), "sid", noon)
		must(t, err)
		wantLive(t, s, given.Ref, noon, false)
		wantLive(t, s, exchanged.Ref, noon, false)
	})
}

func TestRevocation(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		furnish(t, s)
		g, other := insert(t, s, nil), insert(t, s, nil)

		must(t, s.RevokeGrant(t.Context(), g.Ref, "another client", grant.WhyClient, noon))
		wantLive(t, s, g.Ref, noon, true)
		must(t, s.RevokeGrant(t.Context(), g.Ref, "rp", grant.WhyClient, noon))
		wantLive(t, s, g.Ref, noon, false)
		must(t, s.RevokeGrant(t.Context(), g.Ref, "", grant.WhyOperator, noon))
		must(t, s.RevokeGrant(t.Context(), grant.Ref{ID: grant.NewID(noon)}, "", grant.WhyOperator, noon))
		wantLive(t, s, other.Ref, noon, true)
	})
}

func TestOneTokenIsDenied(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		furnish(t, s)
		g := insert(t, s, nil)
		must(t, s.DenyToken(t.Context(), "denied", noon.Add(time.Minute)))
		must(t, s.DenyToken(t.Context(), "denied", noon))

		_, err := s.LiveGrant(t.Context(), g.Ref, "denied", noon)
		wantErr(t, "LiveGrant of the denied token", err, grant.ErrNotFound)
		_, err = s.LiveGrant(t.Context(), g.Ref, "another", noon)
		must(t, err)
		wantErr(t, "LiveClient of the denied token", s.LiveClient(t.Context(), "rp", "denied", noon, noon), grant.ErrNotFound)
		must(t, s.LiveClient(t.Context(), "rp", "another", noon, noon))
		wantErr(t, "LiveClient of nobody", s.LiveClient(t.Context(), "nobody", "", noon, noon), grant.ErrNotFound)
	})
}

func TestCodeIsSpentOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		furnish(t, s)
		g := insert(t, s, nil)
		first := grant.Spending{Ref: g.Ref, ClientID: "rp", Now: noon.Add(time.Second)}

		held, err := s.SpendCode(t.Context(), first)
		must(t, err)
		want := *g
		want.CodeSpentAt, want.RefreshGeneration = first.Now, 1
		wantSame(t, "the spent grant", held.Grant, want)
		wantSame(t, "username", held.Username, "name-of-alice")

		again := first
		again.Now = noon.Add(time.Hour)
		held, err = s.SpendCode(t.Context(), again)
		wantErr(t, "SpendCode again", err, grant.ErrSpent)
		wantSame(t, "the grant that comes with it", held.Grant, want)

		must(t, s.RevokeGrant(t.Context(), g.Ref, "", grant.WhyCodeReuse, noon))
		held, err = s.SpendCode(t.Context(), again)
		wantErr(t, "SpendCode of a revoked grant", err, grant.ErrNotFound)
		if held != nil {
			t.Errorf("SpendCode of a revoked grant gave %v", held)
		}
	})
}

func TestCodeIsRefused(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		grant func(*grant.Grant)
		spend func(*grant.Spending)
	}{
		"of another client":     {spend: func(sp *grant.Spending) { sp.ClientID = "other" }},
		"that is unknown":       {spend: func(sp *grant.Spending) { sp.Ref.ID = grant.NewID(noon) }},
		"of another bucket":     {spend: func(sp *grant.Spending) { sp.Ref.Bucket++ }},
		"that is too old":       {spend: func(sp *grant.Spending) { sp.Now = noon.Add(time.Minute) }},
		"of another key":        {func(g *grant.Grant) { g.JKT = "theirs" }, func(sp *grant.Spending) { sp.JKT = "mine" }},
		"without its key":       {grant: func(g *grant.Grant) { g.JKT = "theirs" }},
		"of nobody":             {grant: func(g *grant.Grant) { g.Subject = "nobody" }},
		"older than its client": {grant: func(g *grant.Grant) { g.CreatedAt = noon.Add(-2 * time.Hour) }},
		"without its session":   {grant: func(g *grant.Grant) { g.SessionID = "gone" }},
		"of no code at all":     {grant: func(g *grant.Grant) { g.CodeExpiresAt = time.Time{} }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				furnish(t, s)
				g := insert(t, s, tc.grant)
				sp := grant.Spending{Ref: g.Ref, ClientID: "rp", Now: noon.Add(time.Second)}
				if tc.spend != nil {
					tc.spend(&sp)
				}
				held, err := s.SpendCode(t.Context(), sp)
				wantErr(t, "SpendCode", err, grant.ErrNotFound)
				if held != nil {
					t.Errorf("SpendCode gave %v", held)
				}
			})
		})
	}
}

func TestRefusedCodeStaysGood(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		furnish(t, s)
		g := insert(t, s, func(g *grant.Grant) { g.JKT = "key" })
		_, err := s.SpendCode(t.Context(), grant.Spending{Ref: g.Ref, ClientID: "other", JKT: "key", Now: noon})
		wantErr(t, "SpendCode by another client", err, grant.ErrNotFound)
		spend(t, s, g)
		_, err = s.SpendCode(t.Context(), grant.Spending{Ref: g.Ref, ClientID: "other", JKT: "key", Now: noon})
		wantErr(t, "SpendCode of a spent code by another client", err, grant.ErrNotFound)
		_, err = s.SpendCode(t.Context(), grant.Spending{Ref: g.Ref, ClientID: "rp", JKT: "other", Now: noon})
		wantErr(t, "SpendCode of a spent code with another key", err, grant.ErrNotFound)
	})
}

func TestRefreshTokenRotates(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		furnish(t, s)
		g := insert(t, s, nil)
		rotation := func(generation int64) grant.Rotation {
			return grant.Rotation{Ref: g.Ref, ClientID: "rp", Generation: generation, Until: noon.Add(48 * time.Hour), Now: noon.Add(time.Minute)}
		}
		_, err := s.RotateRefresh(t.Context(), rotation(0))
		wantErr(t, "RotateRefresh before the code is spent", err, grant.ErrNotFound)

		want := spend(t, s, g).Grant
		held, err := s.RotateRefresh(t.Context(), rotation(1))
		must(t, err)
		want.RefreshGeneration, want.RefreshRotatedAt, want.ExpiresAt = 2, noon.Add(time.Minute), noon.Add(48*time.Hour)
		wantSame(t, "the rotated grant", held.Grant, want)

		held, err = s.RotateRefresh(t.Context(), rotation(1))
		wantErr(t, "RotateRefresh again", err, grant.ErrBehind)
		wantSame(t, "the grant that comes with it", held.Grant, want)
		_, err = s.RotateRefresh(t.Context(), rotation(3))
		wantErr(t, "RotateRefresh of a generation to come", err, grant.ErrNotFound)

		kept := rotation(2)
		kept.Keep, kept.Until, kept.Now = true, g.EndsAt.Add(time.Hour), noon.Add(time.Hour)
		held, err = s.RotateRefresh(t.Context(), kept)
		must(t, err)
		want.ExpiresAt = g.EndsAt
		wantSame(t, "the grant that kept its generation", held.Grant, want)
	})
}

func TestRefreshIsRefused(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		grant  func(*grant.Grant)
		rotate func(*grant.Rotation)
	}{
		"of another client":                        {rotate: func(r *grant.Rotation) { r.ClientID = "other" }},
		"that is unknown":                          {rotate: func(r *grant.Rotation) { r.Ref.ID = grant.NewID(noon) }},
		"that has expired":                         {rotate: func(r *grant.Rotation) { r.Now = noon.Add(24 * time.Hour) }},
		"with another key":                         {func(g *grant.Grant) { g.JKT = "theirs" }, func(r *grant.Rotation) { r.JKT = "mine" }},
		"without the key":                          {func(g *grant.Grant) { g.JKT = "theirs" }, func(r *grant.Rotation) { r.JKT = "" }},
		"of an older generation by another client": {rotate: func(r *grant.Rotation) { r.ClientID, r.Generation = "other", 0 }},
		"of an older generation that has expired":  {rotate: func(r *grant.Rotation) { r.Now, r.Generation = noon.Add(24*time.Hour), 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				furnish(t, s)
				g := insert(t, s, tc.grant)
				spend(t, s, g)
				r := grant.Rotation{Ref: g.Ref, ClientID: "rp", JKT: g.JKT, Generation: 1, Until: noon.Add(time.Hour), Now: noon.Add(time.Minute)}
				tc.rotate(&r)
				held, err := s.RotateRefresh(t.Context(), r)
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
		furnish(t, s)
		must(t, s.InsertClient(t.Context(), aClient("other")))
		at := func(minute int, change func(*grant.Grant)) *grant.Grant {
			return insert(t, s, func(g *grant.Grant) {
				g.ID = grant.NewID(noon.Add(time.Duration(minute) * time.Minute))
				change(g)
			})
		}
		a := at(0, func(g *grant.Grant) {})
		b := at(1, func(g *grant.Grant) { g.Subject = "bob" })
		c := at(2, func(g *grant.Grant) { g.ClientID = "other" })
		revoked := at(3, func(*grant.Grant) {})
		must(t, s.RevokeGrant(t.Context(), revoked.Ref, "", grant.WhyOperator, noon))
		at(4, func(g *grant.Grant) { g.EndsAt = noon })
		at(5, func(g *grant.Grant) { g.Subject = "nobody" })

		for name, tc := range map[string]struct {
			filter store.GrantFilter
			after  grant.Ref
			limit  int
			want   []*grant.Grant
		}{
			"all":                  {store.GrantFilter{}, grant.Ref{}, 10, []*grant.Grant{a, b, c}},
			"of a client":          {store.GrantFilter{ClientID: "rp"}, grant.Ref{}, 10, []*grant.Grant{a, b}},
			"of a subject":         {store.GrantFilter{Subject: "alice"}, grant.Ref{}, 10, []*grant.Grant{a, c}},
			"of both":              {store.GrantFilter{ClientID: "other", Subject: "alice"}, grant.Ref{}, 10, []*grant.Grant{c}},
			"the first":            {store.GrantFilter{}, grant.Ref{}, 1, []*grant.Grant{a}},
			"those that follow it": {store.GrantFilter{}, a.Ref, 10, []*grant.Grant{b, c}},
		} {
			got, err := s.ListGrants(t.Context(), tc.filter, tc.after, tc.limit, noon)
			must(t, err)
			wantSame(t, "grants, "+name, got, tc.want)
		}
	})
}
