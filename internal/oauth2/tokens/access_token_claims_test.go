package tokens_test

import (
	"net/url"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Claims that an app adds to access tokens are in ext or at the top level, as configured. No
// claim is lost or replaces a claim of the protocol.
func TestAppClaimsInAccessTokens(t *testing.T) {
	t.Parallel()
	added := servertest.Object{"tenant": 7.0, "groups": []any{"a"}, "sub": "somebody", "exp": 1.0, "scp": "everything", "other": "x"}
	for name, tc := range map[string]struct {
		settings map[string]string
		want     servertest.Object // of the signed token; nil is for none
	}{
		"by themselves": {nil, servertest.Object{"ext": added, "tenant": nil, "groups": nil, "other": nil, "scp": nil}},
		"in both places": {
			map[string]string{"allowed_top_level_claims": "tenant,groups,absent"},
			servertest.Object{"ext": added, "tenant": 7.0, "groups": []any{"a"}, "other": nil, "absent": nil},
		},
		"in one place": {
			map[string]string{"allowed_top_level_claims": "tenant,groups", "mirror_top_level_claims": "off"},
			servertest.Object{"tenant": 7.0, "groups": []any{"a"}, "ext": servertest.Object{"sub": "somebody", "exp": 1.0, "scp": "everything", "other": "x"}},
		},
		"scopes as an array":     {map[string]string{"scope_claim": "list"}, servertest.Object{"ext": added, "scope": nil, "scp": []any{"openid", "offline_access", "api"}}},
		"scopes in both of them": {map[string]string{"scope_claim": "both"}, servertest.Object{"scope": "openid offline_access api", "scp": []any{"openid", "offline_access", "api"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.Store) {
				t.Helper()
				s := servertest.StartWithApps(t, db, tc.settings)
				b := s.NewBrowser()
				p := b.SignInByApp(s, b.Get("/oauth2/auth?"+servertest.AuthorizationRequest().Encode()), servertest.Object{"subject": "jo"})
				p = b.ConsentByApp(s, p, servertest.Object{"grant_scope": servertest.AllScopes, "session": servertest.Object{"access_token": added}})
				tokens := s.ExchangeCode(servertest.CodeOf(t, p))
				for range 2 { // and after a refresh
					claims := servertest.Claims(t, tokens["access_token"])
					servertest.WantMembers(t, claims, tc.want)
					servertest.WantMembers(t, claims, servertest.Object{"sub": "jo", "iss": s.URL, "client_id": "web"})
					introspected := s.PostForm("/oauth2/introspect", url.Values{"token": {servertest.Text(tokens["access_token"])}}).JSON(t)
					servertest.WantMembers(t, introspected, servertest.Object{
						"active": true, "sub": "jo", "ext": added, "scope": "openid offline_access api", "tenant": nil,
					})
					if info := s.Userinfo(tokens["access_token"]); info.Status != 200 {
						t.Errorf("userinfo: %d %s", info.Status, info.Body)
					}
					tokens = s.Refresh(tokens["refresh_token"]).JSON(t)
				}
			})
		})
	}
}

// A sealed token is read here alone, so that there is one place for everything.
func TestOpaqueTokenKeepsClaims(t *testing.T) {
	t.Parallel()
	s := servertest.StartWithApps(t, storetest.New(t), map[string]string{
		"allowed_top_level_claims": "tenant", "mirror_top_level_claims": "off", "scope_claim": "list", "access_token_format": "opaque",
	})
	b := s.NewBrowser()
	p := b.SignInByApp(s, b.Get("/oauth2/auth?"+servertest.AuthorizationRequest().Encode()), servertest.Object{"subject": "jo"})
	p = b.ConsentByApp(s, p, servertest.Object{"grant_scope": servertest.AllScopes, "session": servertest.Object{"access_token": servertest.Object{"tenant": 7}}})
	token := s.ExchangeCode(servertest.CodeOf(t, p))["access_token"]
	claims := s.PostForm("/oauth2/introspect", url.Values{"token": {servertest.Text(token)}}).JSON(t)
	servertest.WantMembers(t, claims, servertest.Object{"active": true, "ext": servertest.Object{"tenant": 7.0}, "scope": "openid offline_access api"})
}
