package store_test

import (
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

func TestSessionRoundTrip(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		want := fixture.Session("sid", "alice")
		must(t, s.Sessions.InsertSession(t.Context(), want, nil))

		want.Claims = []byte(`{"email":"alice@example.org","email_verified":true}`) // of the account
		got, consent, err := s.Sessions.SessionAndConsent(t.Context(), fixture.CookieHash("sid"), "rp", noon)
		must(t, err)
		wantSame(t, "session read back", got, want)
		if consent != nil {
			t.Errorf("consent = %v, want none", consent)
		}
		_, _, err = s.Sessions.SessionAndConsent(t.Context(), fixture.CookieHash("other"), "rp", noon)
		wantErr(t, "SessionAndConsent of an unknown cookie", err, session.ErrNotFound)
	})
}

func TestSessionTimesOut(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		must(t, s.Sessions.InsertSession(t.Context(), fixture.Session("sid", "alice"), nil))
		alive := func(at time.Duration, want error) {
			t.Helper()
			_, _, err := s.Sessions.SessionAndConsent(t.Context(), fixture.CookieHash("sid"), "rp", noon.Add(at))
			wantErr(t, "session after "+at.String(), err, want)
		}
		alive(59*time.Minute, nil)
		alive(time.Hour, session.ErrNotFound)
		must(t, s.Sessions.TouchSession(t.Context(), fixture.CookieHash("sid"), session.Origin{}, noon.Add(2*time.Hour), noon.Add(3*time.Hour)))
		alive(2*time.Hour, session.ErrNotFound)

		must(t, s.Sessions.TouchSession(t.Context(), fixture.CookieHash("sid"), session.Origin{}, noon.Add(30*time.Minute), noon.Add(90*time.Minute)))
		alive(89*time.Minute, nil)
		must(t, s.Sessions.TouchSession(t.Context(), fixture.CookieHash("sid"), session.Origin{}, noon.Add(20*time.Minute), noon.Add(80*time.Minute)))
		alive(89*time.Minute, nil)

		must(t, s.Sessions.TouchSession(t.Context(), fixture.CookieHash("sid"), session.Origin{}, noon.Add(80*time.Minute), noon.Add(100*time.Hour)))
		alive(8*time.Hour-1000, nil)
		alive(8*time.Hour, session.ErrNotFound)
		must(t, s.Sessions.TouchSession(t.Context(), fixture.CookieHash("sid"), session.Origin{}, noon.Add(9*time.Hour), noon.Add(10*time.Hour)))
		alive(9*time.Hour, session.ErrNotFound)

		n := fixture.Session("eager", "alice")
		n.IdleUntil = n.EndsAt.Add(time.Hour)
		must(t, s.Sessions.InsertSession(t.Context(), n, nil))
		_, _, err := s.Sessions.SessionAndConsent(t.Context(), fixture.CookieHash("eager"), "rp", n.EndsAt)
		wantErr(t, "session that idles beyond its end", err, session.ErrNotFound)
	})
}

func TestSessionIsRenewed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		must(t, s.Sessions.InsertSession(t.Context(), fixture.Session("sid", "alice"), nil))
		g := fixture.InsertGrant(t, s, func(g *grant.Grant) { g.SessionID = "sid" })

		want := fixture.Session("new", "alice")
		want.AuthTime, want.SeenAt, want.ACR = noon.Add(time.Minute), noon.Add(time.Minute), "urn:two"
		must(t, s.Sessions.RenewSession(t.Context(), fixture.CookieHash("sid"), want))
		wantSame(t, "ID of the renewed session", want.ID, "sid")

		got, _, err := s.Sessions.SessionAndConsent(t.Context(), fixture.CookieHash("new"), "rp", noon)
		must(t, err)
		want.Claims = got.Claims // of the account
		wantSame(t, "the renewed session", got, want)
		_, _, err = s.Sessions.SessionAndConsent(t.Context(), fixture.CookieHash("sid"), "rp", noon)
		wantErr(t, "the old cookie", err, session.ErrNotFound)
		fixture.WantLive(t, s, g.Locator, noon, true)

		for name, n := range map[string]*session.Session{
			"another subject": fixture.Session("x", "bob"),
			"a session that timed out": func() *session.Session {
				n := fixture.Session("x", "alice")
				n.AuthTime = noon.Add(2 * time.Hour)
				return n
			}(),
		} {
			wantErr(t, "RenewSession for "+name, s.Sessions.RenewSession(t.Context(), fixture.CookieHash("new"), n), session.ErrNotFound)
		}
		wantErr(t, "RenewSession of an unknown cookie", s.Sessions.RenewSession(t.Context(), fixture.CookieHash("sid"), want), session.ErrNotFound)
	})
}

func TestAnotherSubjectEndsTheSessionOfTheBrowser(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		must(t, s.Sessions.InsertSession(t.Context(), fixture.Session("alices", "alice"), nil))
		g := fixture.InsertGrant(t, s, func(g *grant.Grant) { g.SessionID = "alices" })

		must(t, s.Sessions.InsertSession(t.Context(), fixture.Session("bobs", "bob"), fixture.CookieHash("alices")))
		_, _, err := s.Sessions.SessionAndConsent(t.Context(), fixture.CookieHash("alices"), "rp", noon)
		wantErr(t, "the replaced session", err, session.ErrNotFound)
		fixture.WantLive(t, s, g.Locator, noon, false)
		_, _, err = s.Sessions.SessionAndConsent(t.Context(), fixture.CookieHash("bobs"), "rp", noon)
		must(t, err)

		must(t, s.Sessions.InsertSession(t.Context(), fixture.Session("more", "bob"), fixture.CookieHash("unknown")))
	})
}

func TestEndSession(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		for _, n := range []*session.Session{fixture.Session("one", "alice"), fixture.Session("two", "alice"), fixture.Session("bobs", "bob")} {
			must(t, s.Sessions.InsertSession(t.Context(), n, nil))
		}
		in := func(id string) *grant.Grant {
			return fixture.InsertGrant(t, s, func(g *grant.Grant) { g.SessionID = id })
		}
		one, two, bobs := in("one"), in("two"), in("bobs")
		fixture.RedeemCode(t, s, one)
		must(t, s.Consents.SaveConsent(t.Context(), &consent.Consent{Subject: "alice", ClientID: "rp", SessionID: "one", Scopes: []string{"x"}, GivenAt: noon}))

		fixture.EndSession(t, s, "one", noon)
		fixture.EndSession(t, s, "one", noon)
		fixture.WantLive(t, s, one.Locator, noon, false)
		fixture.WantLive(t, s, two.Locator, noon, true)
		_, _, err := s.Sessions.SessionAndConsent(t.Context(), fixture.CookieHash("one"), "rp", noon)
		wantErr(t, "the session that ended", err, session.ErrNotFound)

		late := in("one")
		_, err = s.Grants.RedeemCode(t.Context(), grant.CodeRedemption{Ref: late.Locator, ClientID: "rp", Now: noon})
		wantErr(t, "a code written after its session ended", err, grant.ErrNotFound)

		ended, err := s.Sessions.EndSessionsOf(t.Context(), "alice", noon)
		must(t, err)
		wantSame(t, "sessions ended", ended, 1)
		fixture.WantLive(t, s, two.Locator, noon, false)
		fixture.WantLive(t, s, bobs.Locator, noon, true)
	})
}

func TestSessionsAreListed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		a, b, c := fixture.Session("a", "alice"), fixture.Session("b", "bob"), fixture.Session("c", "alice")
		for _, n := range []*session.Session{c, b, a} {
			must(t, s.Sessions.InsertSession(t.Context(), n, nil))
		}
		over := fixture.Session("over", "alice")
		over.IdleUntil = noon
		must(t, s.Sessions.InsertSession(t.Context(), over, nil))

		for name, tc := range map[string]struct {
			subject, after string
			limit          int
			want           []*session.Session
		}{
			"of everybody":      {"", "", 10, []*session.Session{a, b, c}},
			"of one":            {"alice", "", 10, []*session.Session{a, c}},
			"those that follow": {"", "a", 1, []*session.Session{b}},
		} {
			got, err := s.Sessions.ListSessions(t.Context(), tc.subject, tc.after, tc.limit, noon)
			must(t, err)
			wantSame(t, "sessions "+name, got, tc.want)
		}
	})
}

func TestConsentIsRemembered(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		must(t, s.Sessions.InsertSession(t.Context(), fixture.Session("sid", "alice"), nil))
		save := func(c consent.Consent) {
			t.Helper()
			c.GivenAt = noon
			must(t, s.Consents.SaveConsent(t.Context(), &c))
		}
		read := func() *consent.Consent {
			t.Helper()
			_, c, err := s.Sessions.SessionAndConsent(t.Context(), fixture.CookieHash("sid"), "rp", noon)
			must(t, err)
			return c
		}
		remembered := func(until time.Time, scopes ...string) *consent.Consent {
			return &consent.Consent{Subject: "alice", ClientID: "rp", Scopes: scopes, GivenAt: noon, ExpiresAt: until}
		}

		save(consent.Consent{Subject: "alice", ClientID: "rp", Scopes: []string{"openid"}})
		wantSame(t, "consent", read(), remembered(time.Time{}, "openid"))
		save(consent.Consent{Subject: "alice", ClientID: "rp", Scopes: []string{"openid", "email"}})
		wantSame(t, "repeated consent", read(), remembered(time.Time{}, "openid", "email"))

		save(consent.Consent{Subject: "alice", ClientID: "rp", SessionID: "sid", Scopes: []string{"email", "phone"}, ExpiresAt: noon.Add(time.Hour)})
		wantSame(t, "consent of all sessions and this one", read(), remembered(noon.Add(time.Hour), "openid", "email", "phone"))

		for _, other := range []consent.Consent{
			{Subject: "alice", ClientID: "rp", SessionID: "another", Scopes: []string{"address"}},
			{Subject: "alice", ClientID: "rp", SessionID: "sid", Scopes: []string{"address"}, ExpiresAt: noon},
			{Subject: "alice", ClientID: "other", Scopes: []string{"address"}},
			{Subject: "bob", ClientID: "rp", Scopes: []string{"address"}},
		} {
			save(other)
		}
		wantSame(t, "consent beside those of others and one that has ended", read(), remembered(time.Time{}, "openid", "email"))

		must(t, s.Consents.DeleteConsent(t.Context(), "alice", "rp"))
		if got := read(); got != nil {
			t.Errorf("consent after DeleteConsent = %v, want none", got)
		}
	})
}
