package token_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Clients of Ory Hydra ask for offline as they may, and get refresh tokens for it.
func TestOfflineEqualsOfflineAccess(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := servertest.Start(t, db, nil)
		s.ImportClient(`{"client_id": "from-hydra", "token_endpoint_auth_method": "none", "redirect_uris": ["https://client.example/from-hydra"],
			"grant_types": ["authorization_code", "refresh_token"], "scope": "openid offline"}`)
		code := s.NewBrowser().Code(servertest.AuthorizationRequest("client_id", "from-hydra", "redirect_uri", "https://client.example/from-hydra", "scope", "openid offline"))
		own := url.Values{
			"client_id": {"from-hydra"}, "grant_type": {"authorization_code"}, "code": {code},
			"redirect_uri": {"https://client.example/from-hydra"}, "code_verifier": {servertest.CodeVerifier},
		}
		got := s.PostForm("/oauth2/token", own)
		if got.Status != http.StatusOK || got.JSON(t)["scope"] != "openid offline" || servertest.Text(got.JSON(t)["refresh_token"]) == "" {
			t.Fatalf("%d %s, want a refresh token", got.Status, got.Body)
		}
		if next := s.Refresh(got.JSON(t)["refresh_token"], "client_id", "from-hydra"); next.Status != http.StatusOK {
			t.Errorf("refresh: %d %s", next.Status, next.Body)
		}
	})
}
