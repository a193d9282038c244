package store_test

import (
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
	"github.com/ostiary/ostiary/internal/trustedissuer"
)

// aTrust returns an entry that trusts an issuer for a subject, or for all subjects if
// it is empty.
func aTrust(id, iss, subject string) *trustedissuer.Trust {
	trust := &trustedissuer.Trust{
		ID: id, Issuer: iss, Subject: subject, Scopes: []string{"api"}, CreatedAt: noon, ExpiresAt: noon.Add(time.Hour),
	}
	const key = `{"kty":"OKP","crv":"Ed25519","kid":"k","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}` // RFC 8037 appendix A.2
	if err := trust.UnmarshalKey(key); err != nil {
		panic(err)
	}
	return trust
}

func TestTrustedIssuers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		fixture.Seed(t, s)
		alices, anybodys, others := aTrust("1", "https://a", "alice"), aTrust("2", "https://a", ""), aTrust("3", "https://b", "alice")
		for _, trust := range []*trustedissuer.Trust{anybodys, others, alices} {
			must(t, s.TrustedIssuers.InsertTrust(ctx, trust))
		}
		wantErr(t, "the same trust again", s.TrustedIssuers.InsertTrust(ctx, aTrust("4", "https://a", "alice")), trustedissuer.ErrExists)
		got, err := s.TrustedIssuers.Trust(ctx, "1")
		must(t, err)
		wantSame(t, "a trust", got, alices)

		find := func(iss, subject string, now time.Time, want ...*trustedissuer.Trust) (blocked bool) {
			t.Helper()
			list, blocked, err := s.TrustedIssuers.TrustsFor(ctx, iss, subject, now)
			must(t, err)
			wantSame(t, "what is said of "+subject+" is trusted by", list, want)
			return blocked
		}
		find("https://a", "alice", noon, alices, anybodys)
		find("https://a", "unknown", noon, anybodys)
		find("https://b", "unknown", noon)
		find("https://a", "alice", noon.Add(time.Hour))

		list, err := s.TrustedIssuers.ListTrusts(ctx, "", "1", 0, 2)
		must(t, err)
		wantSame(t, "those after the first", list, []*trustedissuer.Trust{anybodys, others})
		list, err = s.TrustedIssuers.ListTrusts(ctx, "https://b", "", 0, 2)
		must(t, err)
		wantSame(t, "those of b", list, []*trustedissuer.Trust{others})
		list, err = s.TrustedIssuers.ListTrusts(ctx, "", "", 2, 2)
		must(t, err)
		wantSame(t, "those after two", list, []*trustedissuer.Trust{others})
		for iss, want := range map[string]int{"": 3, "https://a": 2, "https://c": 0} {
			got, err := s.TrustedIssuers.CountTrusts(ctx, iss)
			must(t, err)
			wantSame(t, "how many are trusted of "+iss, got, want)
		}

		live := func(a grant.AssertedToken, now time.Time, want error) {
			t.Helper()
			wantErr(t, "a token", s.Grants.LiveAsserted(ctx, a, now), want)
		}
		token := grant.AssertedToken{ClientID: "rp", Trust: "2", Subject: "alice", JTI: "jti", IssuedAt: noon}
		live(token, noon, nil)
		live(token, noon.Add(time.Hour), grant.ErrNotFound)
		must(t, s.Accounts.SetDisabled(ctx, "alice", true, noon))
		live(token, noon, grant.ErrNotFound)
		if !find("https://a", "alice", noon, alices, anybodys) {
			t.Error("a disabled account is not reported")
		}
		must(t, s.Accounts.SetDisabled(ctx, "alice", false, noon))
		live(token, noon, nil)
		must(t, s.Accounts.SetPassword(ctx, "alice", "hash", noon.Add(time.Second)))
		live(token, noon, grant.ErrNotFound)
		token.Subject = "unknown"
		live(token, noon, nil)
		must(t, s.Grants.DenyToken(ctx, "jti", noon.Add(time.Hour)))
		live(token, noon, grant.ErrNotFound)
		token.JTI = "another"
		live(token, noon, nil)
		must(t, s.TrustedIssuers.DeleteTrust(ctx, "2"))
		wantErr(t, "deleting it again", s.TrustedIssuers.DeleteTrust(ctx, "2"), trustedissuer.ErrNotFound)
		live(token, noon, grant.ErrNotFound)
		_, err = s.TrustedIssuers.Trust(ctx, "2")
		wantErr(t, "a trust that was deleted", err, trustedissuer.ErrNotFound)
		token.Trust = "1"
		live(token, noon, nil)
		must(t, s.Clients.EndClientTokens(ctx, "rp", noon.Add(time.Microsecond)))
		live(token, noon, grant.ErrNotFound)
	})
}
