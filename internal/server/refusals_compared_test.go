package server_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// A record contains the values that the check compared, and the time of the earlier event.
func TestRejectionsRecordComparedValues(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := servertest.Start(t, db, map[string]string{"rate_limits": "off"})
		b := s.NewBrowser()
		at := func() string { return refusal.At("", s.Time()).Value }

		early := b.Code(servertest.AuthorizationRequest())
		issued := at()
		s.Advance(2 * time.Minute)
		expired := s.PostForm("/oauth2/token", servertest.CodeExchange(early))

		code := b.Code(servertest.AuthorizationRequest())
		got := s.ExchangeCode(code)
		spent := at()
		s.Advance(time.Minute)
		replayed := s.PostForm("/oauth2/token", servertest.CodeExchange(code))

		rotated := s.ExchangeCode(b.Code(servertest.AuthorizationRequest()))["refresh_token"]
		s.Refresh(rotated)
		rotation := at()
		s.Advance(time.Minute)
		reused := s.Refresh(rotated)

		// Well-formed credentials of a grant that does not exist.
		nowhere := grant.Locator{Partition: grant.PartitionAt(s.Time(), false), ID: grant.NewID(s.Time())}
		unknown := s.PostForm("/oauth2/token", servertest.CodeExchange(s.App.OAuth2.Codec.Make(tokens.Code, nowhere, 0, make([]byte, 32))))
		lost := s.Refresh(s.App.OAuth2.Codec.Make(tokens.Refresh, nowhere, 0, make([]byte, 32)))

		for name, tc := range map[string]struct {
			got   servertest.Response
			rule  refusal.Rule
			attrs map[string]string
		}{
			"an expired code":        {expired, refusal.CodeExpired, map[string]string{"code_issued_at": issued}},
			"a replayed code":        {replayed, refusal.CodeReplayed, map[string]string{"code_spent_at": spent}},
			"a replayed token":       {reused, refusal.RefreshReplayed, map[string]string{"last_rotated_at": rotation, "presented_generation": "1", "current_generation": "2"}},
			"an unknown code":        {unknown, refusal.CodeUnknown, nil},
			"an unknown token":       {lost, refusal.RefreshUnknown, nil},
			"a token of a replay":    {s.Userinfo(got["access_token"]), refusal.GrantRevoked, map[string]string{"revoked_why": "code_reuse", "issued_to": "web"}},
			"another auth method":    {s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"web"}, "client_secret": {"web-secret-web-secret-web-secret-"}}), refusal.AuthMethodMismatch, map[string]string{"registered_auth_method": "client_secret_basic", "used_auth_method": "client_secret_post"}},
			"another redirect URI":   {b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("redirect_uri", "https://client.example/Callback").Encode()), refusal.RedirectURIMismatch, map[string]string{"received_redirect_uri": "https://client.example/Callback", "registered_redirect_uris": servertest.RedirectURI + " https://client.example/other"}},
			"a scope beyond a grant": {s.Refresh(s.ExchangeCode(b.Code(servertest.AuthorizationRequest()))["refresh_token"], "scope", "openid email"), refusal.ScopeExceedsGrant, map[string]string{"granted_scopes": "openid offline_access api"}},
		} {
			found := reason(t, s, tc.got)
			if found.Rule != tc.rule || found.Cause == "" {
				t.Errorf("%s: on record is %+v, want the rule %s", name, found, tc.rule)
			}
			has := attributes(found)
			for attr, want := range tc.attrs {
				if has[attr] != want {
					t.Errorf("%s: %s = %q, want %q", name, attr, has[attr], want)
				}
			}
			if strings.Contains(tc.got.Body, string(tc.rule)) {
				t.Errorf("%s: the response has the rule: %s", name, tc.got.Body)
			}
		}
	})
}
