package token_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// lasting returns the metadata of a client with configured lifespans.
func lasting(tb testing.TB) servertest.Object {
	tb.Helper()
	c := servertest.ParseObject(tb, servertest.LegacyClient("lasting", ""))
	c["grant_types"] = []string{"authorization_code", "refresh_token", "client_credentials", "implicit"}
	for member, lifespan := range map[string]string{
		"authorization_code_grant_access_token": "1h", "authorization_code_grant_id_token": "2h", "authorization_code_grant_refresh_token": "72h",
		"refresh_token_grant_access_token": "3h", "refresh_token_grant_id_token": "4h", "refresh_token_grant_refresh_token": "24h",
		"implicit_grant_access_token": "5h", "implicit_grant_id_token": "6h", "client_credentials_grant_access_token": "7h",
	} {
		c[member+"_lifespan"] = lifespan
	}
	return c
}

// wantLasting checks how long a token is good by its claims.
func wantLasting(tb testing.TB, what string, token any, want time.Duration) {
	tb.Helper()
	response := servertest.Claims(tb, token)
	iat, _ := response["iat"].(float64)
	exp, _ := response["exp"].(float64)
	if got := time.Duration(exp-iat) * time.Second; got != want {
		tb.Errorf("%s lasts %s, want %s", what, got, want)
	}
}

func TestClientLifespans(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, servertest.LegacySettings())
		servertest.ImportClientObject(s, lasting(t))
		call := func(form url.Values) servertest.Response {
			return s.PostForm("/oauth2/token", servertest.AsPost("lasting", form))
		}
		b := s.NewBrowser()
		got := call(servertest.CodeExchange(b.Code(servertest.AuthorizationRequest("client_id", "lasting")))).JSON(t)
		wantLasting(t, "the access token of a code", got["access_token"], time.Hour)
		wantLasting(t, "the ID token of a code", got["id_token"], 2*time.Hour)
		if got["expires_in"] != 3600.0 {
			t.Errorf("expires_in = %v, want 3600", got["expires_in"])
		}
		s.Advance(59 * time.Minute) // beyond what access tokens last otherwise
		if !s.IsActive(got["access_token"]) {
			t.Error("the access token ended before its time")
		}
		s.Advance(70 * time.Hour)
		refresh := func(token any) servertest.Response {
			return call(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {servertest.Text(token)}})
		}
		next := refresh(got["refresh_token"]).JSON(t)
		wantLasting(t, "a refreshed access token", next["access_token"], 3*time.Hour)
		wantLasting(t, "a refreshed ID token", next["id_token"], 4*time.Hour)
		s.Advance(23 * time.Hour)
		next = refresh(next["refresh_token"]).JSON(t)
		s.Advance(24 * time.Hour)
		servertest.WantError(t, refresh(next["refresh_token"]), 400, "invalid_grant")

		own := call(url.Values{"grant_type": {"client_credentials"}}).JSON(t)
		wantLasting(t, "a client's own token", own["access_token"], 7*time.Hour)

		front, err := url.ParseQuery(b.Authorize(servertest.AuthorizationRequest("client_id", "lasting", "response_type", "code id_token token", "scope", "openid api")).Location().Fragment)
		if err != nil {
			t.Fatal(err)
		}
		wantLasting(t, "an access token in the answer", front.Get("access_token"), 5*time.Hour)
		wantLasting(t, "an ID token in the answer", front.Get("id_token"), 6*time.Hour)
		s.Advance(59 * time.Second) // the grant ends with the last of both tokens
		wantLasting(t, "the access token of that code", call(servertest.CodeExchange(front.Get("code"))).JSON(t)["access_token"], time.Hour)
		if s.Advance(4 * time.Hour); !s.IsActive(front.Get("access_token")) {
			t.Error("the access token of the answer ended before its time")
		}
	})
}

func TestClientLifespanBounds(t *testing.T) {
	t.Parallel()
	settings := servertest.LegacySettings()
	settings["longest_token_lifetime"], settings["refresh_absolute_lifetime"], settings["refresh_idle_lifetime"] = "2h", "2d", "1d"
	s := servertest.Start(t, storetest.New(t), settings)
	c := lasting(t)
	c["authorization_code_grant_refresh_token_lifespan"] = "1m"
	c["refresh_token_grant_refresh_token_lifespan"] = "720h"
	servertest.ImportClientObject(s, c)
	call := func(form url.Values) servertest.Response {
		return s.PostForm("/oauth2/token", servertest.AsPost("lasting", form))
	}
	own := call(url.Values{"grant_type": {"client_credentials"}}).JSON(t)
	wantLasting(t, "a token of 7 hours", own["access_token"], 2*time.Hour)

	// An access token may expire after its refresh token: the grant ends at tokens_until.
	got := call(servertest.CodeExchange(s.NewBrowser().Code(servertest.AuthorizationRequest("client_id", "lasting")))).JSON(t)
	wantLasting(t, "an access token beside a short refresh token", got["access_token"], time.Hour)
	refresh := func() servertest.Response {
		return call(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {servertest.Text(got["refresh_token"])}})
	}
	got = refresh().JSON(t)
	s.Advance(47 * time.Hour)
	got = refresh().JSON(t)
	wantLasting(t, "the last access token of a grant", got["access_token"], time.Hour)
	s.Advance(time.Hour)
	servertest.WantError(t, refresh(), 400, "invalid_grant")
}
