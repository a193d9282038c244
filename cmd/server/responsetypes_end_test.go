package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// What comes without a code ends by itself and with its session, and leads to no
// refresh token, whatever the scope says (OpenID Connect Core section 11).
func TestTokensWithoutACodeEnd(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := start(t, db, legacy())
		s.bring(legacyClient("legacy", ""))
		b := s.browser()
		give := func() url.Values {
			_, got := answered(t, b.authorize(asking("client_id", "legacy", "response_type", "id_token token", "scope", "openid offline_access api")))
			return got
		}
		got := give()
		token := got.Get("access_token")
		if got.Get("scope") != "openid api" || claims(t, token)["scope"] != "openid api" {
			t.Errorf("scope %q, in the token %v; want what was granted, since it is less", got.Get("scope"), claims(t, token)["scope"])
		}
		s.pass(10*time.Minute - time.Second)
		if !s.active(token) {
			t.Error("it ended too early")
		}
		s.pass(time.Second)
		if s.active(token) {
			t.Error("it is active after its end")
		}
		got = give()
		if _, err := db.EndSession(t.Context(), text(claims(t, got.Get("id_token"))["sid"]), s.time()); err != nil {
			t.Fatal(err)
		}
		if s.active(got.Get("access_token")) || s.userinfo(got.Get("access_token")).status != http.StatusUnauthorized {
			t.Error("it is active after its person signed out")
		}
	})
}

// The claims parameter reaches the ID token of the answer, and puts nothing else
// into it (OpenID Connect Core section 5.5).
func TestClaimsAskedForReachTheIDTokenOfTheAnswer(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), legacy())
	s.bring(legacyClient("legacy", ""))
	b := s.browser()
	for kind, want := range map[string][]string{
		"id_token":            {"email", "name"},
		"id_token token":      {"email"},
		"code id_token":       {"email"},
		"code id_token token": {"email"},
	} {
		_, got := answered(t, b.authorize(asking("client_id", "legacy", "response_type", kind, "scope", "openid profile",
			"claims", `{"id_token":{"email":{"essential":true},"auth_time":{"essential":true},"x":null},"userinfo":{"email_verified":null}}`)))
		said := claims(t, got.Get("id_token"))
		for _, name := range []string{"email", "name", "email_verified", "x"} {
			if _, has := said[name]; has != slices.Contains(want, name) {
				t.Errorf("%s: %s in the ID token: %v", kind, name, has)
			}
		}
		if got.Has("access_token") {
			if info := s.userinfo(got.Get("access_token")).json(t); info["name"] != "Ada Lovelace" || info["email_verified"] != true {
				t.Errorf("%s: userinfo says %v", kind, info)
			}
		}
	}
}

// A long nonce and a long state come back whole.
func TestLongNoncesAndStatesComeBackWhole(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), legacy())
	s.bring(legacyClient("legacy", ""))
	b := s.browser()
	for _, n := range []int{1, 43, 64, 384, 1500} {
		long := strings.Repeat("n", n-1) + "!"
		_, got := answered(t, b.authorize(asking("client_id", "legacy", "response_type", "code id_token", "nonce", long, "state", long)))
		back := s.call("/oauth2/token", exchanging(got.Get("code"), "client_id", "legacy", "client_secret", otherSecret)).json(t)
		for where, token := range map[string]any{"answer": got.Get("id_token"), "token endpoint": back["id_token"]} {
			if said := claims(t, token); said["nonce"] != long || got.Get("state") != long {
				t.Errorf("%d characters: nonce %q of the %s, state %q", n, said["nonce"], where, got.Get("state"))
			}
		}
	}
}

// The operator's word counts at every step: what was registered while it was
// allowed, and what was begun then, is refused afterwards.
func TestLegacyResponseTypesEndWithTheSetting(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		before := start(t, db, legacy())
		before.bring(legacyClient("legacy", ""))
		b := before.browser()
		b.code(asking()) // signs in
		form := asking("client_id", "legacy", "response_type", "code id_token", "prompt", "login")
		waiting := b.get("/oauth2/auth?" + form.Encode()).location()
		page := b.get(waiting.String())
		b.post(page.action(), url.Values{"request": {page.field("request")}, "username": {"ada"}, "password": {testPassword}})

		after := start(t, db, map[string]string{"rate_limits": "off"})
		for _, kind := range client.LegacyResponseTypes() {
			where, got := answered(t, after.browser().get("/oauth2/auth?"+asking("client_id", "legacy", "response_type", kind).Encode()))
			if where != "fragment" || got.Get("error") != "unsupported_response_type" {
				t.Errorf("%s: %v in the %s", kind, got, where)
			}
		}
		id := waiting.Query().Get("request")
		where, got := answered(t, b.get(after.url+"/oauth2/auth?continue="+id))
		if where != "fragment" || got.Get("error") != "unsupported_response_type" || got.Has("code") {
			t.Errorf("after the detour: %v in the %s", got, where)
		}
		// What its client loses meanwhile is lost too.
		c, err := db.Client(t.Context(), "legacy")
		if err != nil {
			t.Fatal(err)
		}
		c.ResponseTypes, c.GrantTypes = []string{"code"}, []string{"authorization_code"}
		if err := db.UpdateClient(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		before.pass(3 * time.Second)
		if _, got := answered(t, b.get("/oauth2/auth?continue="+id)); got.Get("error") != "unsupported_response_type" {
			t.Errorf("after the client lost it: %v", got)
		}
	})
}

// A request that was answered is not answered again, whatever it brought.
func TestARequestForTokensIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := start(t, db, legacy())
		s.bring(legacyClient("legacy", ""))
		for _, kind := range client.LegacyResponseTypes() {
			b := s.browser()
			first := b.get("/oauth2/auth?" + asking("client_id", "legacy", "response_type", kind).Encode())
			id := first.location().Query().Get("request")
			here, err := url.Parse(s.url)
			if err != nil {
				t.Fatal(err)
			}
			kept := b.client.Jar.Cookies(here) // its own is gone with the answer
			if _, got := answered(t, b.follow(first)); got.Has("error") {
				t.Fatalf("%s: %v", kind, got)
			}
			b.client.Jar.SetCookies(here, kept)
			p := b.get("/oauth2/auth?continue=" + id)
			if p.status != http.StatusBadRequest || p.header.Get("Location") != "" || !strings.Contains(p.body, "finished already") {
				t.Errorf("%s again: %d to %q\n%s", kind, p.status, p.header.Get("Location"), p.body)
			}
		}
	})
}
