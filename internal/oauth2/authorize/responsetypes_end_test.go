package authorize_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Tokens without a code expire and end with the session. offline_access leads to no refresh
// token.
//
// Spec: OpenID Connect Core §11.
func TestFrontChannelTokensEnd(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, servertest.LegacySettings())
		s.ImportClient(servertest.LegacyClient("legacy", ""))
		b := s.NewBrowser()
		give := func() url.Values {
			_, got := servertest.AuthorizationResponse(t, b.Authorize(servertest.AuthorizationRequest("client_id", "legacy", "response_type", "id_token token", "scope", "openid offline_access api")))
			return got
		}
		got := give()
		token := got.Get("access_token")
		if got.Get("scope") != "openid api" || servertest.Claims(t, token)["scope"] != "openid api" {
			t.Errorf("scope %q, in the token %v; want what was granted, since it is less", got.Get("scope"), servertest.Claims(t, token)["scope"])
		}
		s.Advance(10*time.Minute - time.Second)
		if !s.IsActive(token) {
			t.Error("it ended too early")
		}
		s.Advance(time.Second)
		if s.IsActive(token) {
			t.Error("it is active after its end")
		}
		got = give()
		if _, err := db.Sessions.EndSession(t.Context(), servertest.Text(servertest.Claims(t, got.Get("id_token"))["sid"]), s.Time()); err != nil {
			t.Fatal(err)
		}
		if s.IsActive(got.Get("access_token")) || s.Userinfo(got.Get("access_token")).Status != http.StatusUnauthorized {
			t.Error("it is active after its person signed out")
		}
	})
}

// The claims parameter reaches the ID token of the answer, and puts nothing else
// into it (OpenID Connect Core section 5.5).
func TestClaimsParameterInFrontChannelIDToken(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), servertest.LegacySettings())
	s.ImportClient(servertest.LegacyClient("legacy", ""))
	b := s.NewBrowser()
	for kind, want := range map[string][]string{
		"id_token":            {"email", "name"},
		"id_token token":      {"email"},
		"code id_token":       {"email"},
		"code id_token token": {"email"},
	} {
		_, got := servertest.AuthorizationResponse(t, b.Authorize(servertest.AuthorizationRequest("client_id", "legacy", "response_type", kind, "scope", "openid profile",
			"claims", `{"id_token":{"email":{"essential":true},"auth_time":{"essential":true},"x":null},"userinfo":{"email_verified":null}}`)))
		members := servertest.Claims(t, got.Get("id_token"))
		for _, name := range []string{"email", "name", "email_verified", "x"} {
			if _, has := members[name]; has != slices.Contains(want, name) {
				t.Errorf("%s: %s in the ID token: %v", kind, name, has)
			}
		}
		if got.Has("access_token") {
			if info := s.Userinfo(got.Get("access_token")).JSON(t); info["name"] != "Ada Lovelace" || info["email_verified"] != true {
				t.Errorf("%s: userinfo says %v", kind, info)
			}
		}
	}
}

// A long nonce and a long state are returned completely.
func TestLongNonceAndState(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), servertest.LegacySettings())
	s.ImportClient(servertest.LegacyClient("legacy", ""))
	b := s.NewBrowser()
	for _, n := range []int{1, 43, 64, 384, 1500} {
		long := strings.Repeat("n", n-1) + "!"
		_, got := servertest.AuthorizationResponse(t, b.Authorize(servertest.AuthorizationRequest("client_id", "legacy", "response_type", "code id_token", "nonce", long, "state", long)))
		back := s.PostForm("/oauth2/token", servertest.CodeExchange(got.Get("code"), "client_id", "legacy", "client_secret", servertest.OtherSecret)).JSON(t)
		for where, token := range map[string]any{"answer": got.Get("id_token"), "token endpoint": back["id_token"]} {
			if members := servertest.Claims(t, token); members["nonce"] != long || got.Get("state") != long {
				t.Errorf("%d characters: nonce %q of the %s, state %q", n, members["nonce"], where, got.Get("state"))
			}
		}
	}
}

// The setting is checked at every step: registered response types and started requests are
// rejected after it was turned off.
func TestLegacyResponseTypesNeedSetting(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		before := servertest.Start(t, db, servertest.LegacySettings())
		before.ImportClient(servertest.LegacyClient("legacy", ""))
		b := before.NewBrowser()
		b.Code(servertest.AuthorizationRequest()) // signs in
		form := servertest.AuthorizationRequest("client_id", "legacy", "response_type", "code id_token", "prompt", "login")
		waiting := b.Get("/oauth2/auth?" + form.Encode()).Location()
		page := b.Get(waiting.String())
		b.Post(page.FormAction(), url.Values{"request": {page.HiddenField("request")}, "username": {"ada"}, "password": {servertest.Password}})

		after := servertest.Start(t, db, map[string]string{"rate_limits": "off"})
		for _, kind := range client.LegacyResponseTypes() {
			where, got := servertest.AuthorizationResponse(t, after.NewBrowser().Get("/oauth2/auth?"+servertest.AuthorizationRequest("client_id", "legacy", "response_type", kind).Encode()))
			if where != "fragment" || got.Get("error") != "unsupported_response_type" {
				t.Errorf("%s: %v in the %s", kind, got, where)
			}
		}
		id := waiting.Query().Get("request")
		where, got := servertest.AuthorizationResponse(t, b.Get(after.URL+"/oauth2/auth?continue="+id))
		if where != "fragment" || got.Get("error") != "unsupported_response_type" || got.Has("code") {
			t.Errorf("after the detour: %v in the %s", got, where)
		}
		// A response type that the client loses in between is rejected.
		c, err := db.Clients.Client(t.Context(), "legacy")
		if err != nil {
			t.Fatal(err)
		}
		c.ResponseTypes, c.GrantTypes = []string{"code"}, []string{"authorization_code"}
		if err := db.Clients.UpdateClient(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		before.Advance(3 * time.Second)
		if _, got := servertest.AuthorizationResponse(t, b.Get("/oauth2/auth?continue="+id)); got.Get("error") != "unsupported_response_type" {
			t.Errorf("after the client lost it: %v", got)
		}
	})
}

// A request is answered once, with each response type.
func TestFrontChannelRequestIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, servertest.LegacySettings())
		s.ImportClient(servertest.LegacyClient("legacy", ""))
		for _, kind := range client.LegacyResponseTypes() {
			b := s.NewBrowser()
			first := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("client_id", "legacy", "response_type", kind).Encode())
			id := first.Location().Query().Get("request")
			here, err := url.Parse(s.URL)
			if err != nil {
				t.Fatal(err)
			}
			kept := b.Client.Jar.Cookies(here) // the cookie of the request was deleted with the response
			if _, got := servertest.AuthorizationResponse(t, b.Follow(first)); got.Has("error") {
				t.Fatalf("%s: %v", kind, got)
			}
			b.Client.Jar.SetCookies(here, kept)
			p := b.Get("/oauth2/auth?continue=" + id)
			if p.Status != http.StatusBadRequest || p.Header.Get("Location") != "" || !strings.Contains(p.Body, "already complete") {
				t.Errorf("%s again: %d to %q\n%s", kind, p.Status, p.Header.Get("Location"), p.Body)
			}
		}
	})
}
