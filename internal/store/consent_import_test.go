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

func TestConsentImport(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		fixture.Seed(t, s)
		extra := grant.ExtraClaims{IDToken: []byte(`{"nick":"al"}`)}
		imported := func(subject string, at time.Time, scopes ...string) *consent.Consent {
			return &consent.Consent{Subject: subject, ClientID: "rp", Scopes: scopes, GivenAt: at, ExtraClaims: extra}
		}
		consents := []*consent.Consent{imported("alice", noon, "openid"), imported("carol of old", noon, "openid", "email")}
		for _, step := range []struct {
			rehearsal bool
			want      int
		}{{true, 2}, {true, 2}, {false, 2}, {false, 0}, {true, 0}} {
			changed, err := s.Consents.ImportConsents(ctx, consents, noon, step.rehearsal)
			must(t, err)
			wantSame(t, "consents that changed", changed, step.want)
		}
		carol, err := s.Accounts.Account(ctx, "carol of old")
		must(t, err)
		if !carol.IsExternal() || carol.Password != nil {
			t.Errorf("her account is %+v, want one without name and password", carol)
		}
		alice, err := s.Accounts.Account(ctx, "alice")
		must(t, err)
		if alice.IsExternal() {
			t.Error("the account that was there is another one")
		}

		later := noon.Add(time.Hour)
		must(t, s.Consents.SaveConsent(ctx, &consent.Consent{Subject: "alice", ClientID: "rp", Scopes: []string{"phone"}, GivenAt: later, ExpiresAt: later.Add(day)}))
		changed, err := s.Consents.ImportConsents(ctx, consents, later, false)
		must(t, err)
		wantSame(t, "changed consents that are older than the local ones", changed, 0)
		changed, err = s.Consents.ImportConsents(ctx, []*consent.Consent{imported("carol of old", later, "openid")}, later, false)
		must(t, err)
		wantSame(t, "changed consents that are newer than the local ones", changed, 1)

		must(t, s.Sessions.InsertSession(ctx, fixture.Session("sid", "carol of old"), nil))
		_, got, err := s.Sessions.SessionAndConsent(ctx, fixture.CookieHash("sid"), "rp", noon)
		must(t, err)
		if got == nil || len(got.Scopes) != 1 || string(got.ExtraClaims.IDToken) != `{"nick":"al"}` {
			t.Errorf("her consent is %+v", got)
		}
	})
}
