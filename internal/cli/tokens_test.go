package cli_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func TestIntrospectAndRevokeTokens(t *testing.T) {
	t.Parallel()

	storetest.EachURL(t, func(t *testing.T, database string) {
		s := servertest.Start(t, storetest.Open(t, database), nil)
		sh := &clitest.Shell{T: t, Settings: []string{"--set=database_url=" + database, "--set=system_secrets=" + servertest.SystemSecret, "--set=issuer=" + s.URL}}
		tokens := s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest()))
		access, refresh := servertest.Text(tokens["access_token"]), servertest.Text(tokens["refresh_token"])

		var response map[string]any
		sh.JSON(&response, "introspect", access)
		if response["active"] != true || response["client_id"] != "web" || response["username"] != "ada" || response["token_use"] != "access_token" {
			t.Errorf("introspect of an access token = %v", response)
		}
		sh.JSON(&response, "introspect", access, "--scope=api", "--scope=openid")
		if response["active"] != true {
			t.Errorf("introspect with scopes that it has = %v", response)
		}
		clear(response)
		if sh.JSON(&response, "introspect", access, "--scope=api email"); response["active"] != false || len(response) != 1 {
			t.Errorf("introspect with a scope that it lacks = %v, want that it is not active and nothing else", response)
		}
		sh.Input = refresh + "\n"
		if sh.JSON(&response, "introspect", "-"); response["active"] != true || response["token_use"] != "refresh_token" {
			t.Errorf("introspect of a refresh token = %v", response)
		}
		sh.Input = refresh
		servertest.Contains(t, sh.Must("introspect", "-"), "auth_time   "+s.Time().UTC().Format("2006-01-02T"))
		servertest.Contains(t, sh.Must("introspect", "nonsense"), "active   false")
		servertest.Contains(t, sh.MustFail("revoke", "nonsense"), "unknown or expired token")
		servertest.Contains(t, sh.MustFail("revoke"), "either a token or")
		servertest.Contains(t, sh.MustFail("revoke", "x", "--client=y"), "either a token or")
		servertest.Contains(t, sh.MustFail("revoke", "--client=nobody"), `client "nobody" not found`)

		other := s.PostForm("/oauth2/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}).JSON(t)
		sh.Must("revoke", access)
		if s.IsActive(access) || !s.IsActive(other["access_token"]) {
			t.Error("revoking an access token did not end it alone")
		}
		sh.Input = servertest.Text(other["refresh_token"])
		sh.Must("revoke", "-")
		if s.IsActive(other["access_token"]) {
			t.Error("an access token is still active after its refresh token, which was revoked")
		}

		s.Advance(time.Since(s.Time())) // the command line's clock is the real one
		own := s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}}).JSON(t)["access_token"]
		if !s.IsActive(own) {
			t.Error("a fresh token is not active")
		}
		sh.Must("revoke", "--client=web")
		if s.IsActive(own) {
			t.Error("a client's own token is still active after the revocation of all of its tokens")
		}
	})
}
