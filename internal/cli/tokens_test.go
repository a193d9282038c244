package cli

import (
	"net/url"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func TestOperatorsLookAtAndRevokeTokens(t *testing.T) {
	t.Parallel()

	storetest.EachURL(t, func(t *testing.T, database string) {
		s := servertest.Start(t, storetest.Open(t, database), nil)
		sh := &shell{t: t, settings: []string{"--set=database_url=" + database, "--set=system_secrets=" + servertest.SystemSecret, "--set=issuer=" + s.URL}}
		given := s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest()))
		access, refresh := servertest.Text(given["access_token"]), servertest.Text(given["refresh_token"])

		var said map[string]any
		sh.json(&said, "introspect", access)
		if said["active"] != true || said["client_id"] != "web" || said["username"] != "ada" || said["token_use"] != "access_token" {
			t.Errorf("introspect of an access token = %v", said)
		}
		sh.json(&said, "introspect", access, "--scope=api", "--scope=openid")
		if said["active"] != true {
			t.Errorf("introspect with scopes that it has = %v", said)
		}
		clear(said)
		if sh.json(&said, "introspect", access, "--scope=api email"); said["active"] != false || len(said) != 1 {
			t.Errorf("introspect with a scope that it lacks = %v, want that it is not active and nothing else", said)
		}
		sh.input = refresh + "\n"
		if sh.json(&said, "introspect", "-"); said["active"] != true || said["token_use"] != "refresh_token" {
			t.Errorf("introspect of a refresh token = %v", said)
		}
		sh.input = refresh
		servertest.Contains(t, sh.must("introspect", "-"), "auth_time   "+s.Time().UTC().Format("2006-01-02T"))
		servertest.Contains(t, sh.must("introspect", "nonsense"), "active   false")
		servertest.Contains(t, sh.refused("revoke", "nonsense"), "no token of this server")
		servertest.Contains(t, sh.refused("revoke"), "either a token or")
		servertest.Contains(t, sh.refused("revoke", "x", "--client=y"), "either a token or")
		servertest.Contains(t, sh.refused("revoke", "--client=nobody"), `no client "nobody"`)

		other := s.PostForm("/oauth2/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}).JSON(t)
		sh.must("revoke", access)
		if s.IsActive(access) || !s.IsActive(other["access_token"]) {
			t.Error("revoking an access token did not end it alone")
		}
		sh.input = servertest.Text(other["refresh_token"])
		sh.must("revoke", "-")
		if s.IsActive(other["access_token"]) {
			t.Error("an access token outlives the refresh token it came with, which was revoked")
		}

		s.Advance(time.Since(s.Time())) // the command line's clock is the real one
		own := s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}}).JSON(t)["access_token"]
		if !s.IsActive(own) {
			t.Error("a fresh token is not active")
		}
		sh.must("revoke", "--client=web")
		if s.IsActive(own) {
			t.Error("a client's own token outlives the revocation of all it was given")
		}
	})
}
