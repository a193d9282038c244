package main

import (
	"net/url"
	"testing"

	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// What an app adds to access tokens stands where the operator wants it, and nothing of
// it is lost or takes the protocol's place.
func TestClaimsStandBesideTheProtocols(t *testing.T) {
	t.Parallel()
	added := object{"tenant": 7.0, "groups": []any{"a"}, "sub": "somebody", "exp": 1.0, "scp": "everything", "other": "x"}
	for name, tc := range map[string]struct {
		settings map[string]string
		want     object // of the signed token; nil is for none
	}{
		"by themselves": {nil, object{"ext": added, "tenant": nil, "groups": nil, "other": nil, "scp": nil}},
		"in both places": {
			map[string]string{"allowed_top_level_claims": "tenant,groups,absent"},
			object{"ext": added, "tenant": 7.0, "groups": []any{"a"}, "other": nil, "absent": nil},
		},
		"in one place": {
			map[string]string{"allowed_top_level_claims": "tenant,groups", "mirror_top_level_claims": "off"},
			object{"tenant": 7.0, "groups": []any{"a"}, "ext": object{"sub": "somebody", "exp": 1.0, "scp": "everything", "other": "x"}},
		},
		"scopes as an array":     {map[string]string{"scope_claim": "list"}, object{"ext": added, "scope": nil, "scp": []any{"openid", "offline_access", "api"}}},
		"scopes in both of them": {map[string]string{"scope_claim": "both"}, object{"scope": "openid offline_access api", "scp": []any{"openid", "offline_access", "api"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.Store) {
				t.Helper()
				s := startApart(t, db, tc.settings)
				b := s.browser()
				p := b.signIn(s, b.get("/oauth2/auth?"+asking().Encode()), object{"subject": "jo"})
				p = b.agree(s, p, object{"grant_scope": allScopes, "session": object{"access_token": added}})
				tokens := s.tokens(codeOf(t, p))
				for range 2 { // and after a refresh
					said := claims(t, tokens["access_token"])
					wantMembers(t, said, tc.want)
					wantMembers(t, said, object{"sub": "jo", "iss": s.url, "client_id": "web"})
					introspected := s.call("/oauth2/introspect", url.Values{"token": {text(tokens["access_token"])}}).json(t)
					wantMembers(t, introspected, object{
						"active": true, "sub": "jo", "ext": added, "scope": "openid offline_access api", "tenant": nil,
					})
					if info := s.userinfo(tokens["access_token"]); info.status != 200 {
						t.Errorf("userinfo: %d %s", info.status, info.body)
					}
					tokens = s.refresh(tokens["refresh_token"]).json(t)
				}
			})
		})
	}
}

// A sealed token is read here alone, so that there is one place for everything.
func TestASealedTokenKeepsItsClaimsTogether(t *testing.T) {
	t.Parallel()
	s := startApart(t, storetest.New(t), map[string]string{
		"allowed_top_level_claims": "tenant", "mirror_top_level_claims": "off", "scope_claim": "list", "access_token_format": "opaque",
	})
	b := s.browser()
	p := b.signIn(s, b.get("/oauth2/auth?"+asking().Encode()), object{"subject": "jo"})
	p = b.agree(s, p, object{"grant_scope": allScopes, "session": object{"access_token": object{"tenant": 7}}})
	token := s.tokens(codeOf(t, p))["access_token"]
	said := s.call("/oauth2/introspect", url.Values{"token": {text(token)}}).json(t)
	wantMembers(t, said, object{"active": true, "ext": object{"tenant": 7.0}, "scope": "openid offline_access api"})
}
