package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// signUp fills in the sign-up page that p leads to, and goes on to the answer.
func (b *browser) signUp(p reply, username string) reply {
	b.s.tb.Helper()
	page := b.get(p.header.Get("Location"))
	return b.follow(b.post(page.action(), url.Values{
		"request": {page.field("request")}, "username": {username}, "name": {"Grace Hopper"}, "email": {"ada@example.com"},
		"password": {testPassword}, "repeat": {testPassword},
	}))
}

// Where people may not make accounts, nothing offers it.
func TestSignUpIsOffUnlessItIsOn(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	b := s.browser()
	if got := b.get("/oauth2/auth?" + asking("prompt", "create").Encode()).location().Query(); got.Get("error") != "invalid_request" {
		t.Errorf("prompt create: %v, want invalid_request", got)
	}
	prompts := b.get("/.well-known/openid-configuration").json(t)["prompt_values_supported"].([]any)
	if len(prompts) != 4 || slices.Contains(prompts, any("create")) {
		t.Errorf("prompt_values_supported = %v", prompts)
	}
	to := b.get("/oauth2/auth?" + asking().Encode()).header.Get("Location")
	if p := b.get(to); strings.Contains(p.body, "/signup") {
		t.Errorf("the sign-in page leads to sign-up: %s", p.body)
	}
	for _, p := range []reply{b.get(strings.Replace(to, "/login", "/signup", 1)), b.post("/signup", url.Values{})} {
		if p.status != http.StatusNotFound || !strings.Contains(p.body, "not_found") {
			t.Errorf("the sign-up page: %d %s", p.status, p.body)
		}
	}
}

// Initiating User Registration via OpenID Connect 1.0, section 4.
func TestPromptCreateMakesAnAccount(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := start(t, db, map[string]string{"sign_up": "on"})
		b := s.browser()
		ask := func(changes ...string) reply { return b.get("/oauth2/auth?" + asking(changes...).Encode()) }
		if got := ask("prompt", "none create").location().Query().Get("error"); got != "invalid_request" {
			t.Errorf("prompt none create: error %q", got)
		}
		seen := map[any]bool{}
		for username, changes := range map[string][]string{
			"grace": {"prompt", "create"}, "hedy": {"prompt", "create login"}, "mary": {"prompt", "create select_account"},
			"joan": {"prompt", "create", "max_age", "0"},
		} {
			s.pass(10 * time.Second)
			p := ask(append(changes, "scope", "openid email")...) // whoever else is signed in
			if p.location().Path != "/signup" {
				t.Fatalf("%v leads to %s", changes, p.location())
			}
			p = b.signUp(p, username)
			tokens := s.tokens(p.location().Query().Get("code"))
			id, info := claims(t, tokens["id_token"]), s.userinfo(tokens["access_token"]).json(t)
			if seen[id["sub"]] || id["auth_time"] != float64(s.time().Unix()) || info["email"] != "ada@example.com" || info["email_verified"] != false {
				t.Errorf("%v: ID token %v, userinfo %v", changes, id, info)
			}
			seen[id["sub"]] = true
			s.pass(10 * time.Second)
			again := claims(t, s.tokens(b.code(asking("prompt", "none")))["id_token"])
			if again["sub"] != id["sub"] || again["auth_time"] != id["auth_time"] {
				t.Errorf("%v: signed in as %v since %v afterwards, want %v since %v", changes, again["sub"], again["auth_time"], id["sub"], id["auth_time"])
			}
		}
	})
}

// Whoever has an account already may sign in instead, and is then not asked to
// make another.
func TestPromptCreateEndsWithSigningInToo(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), map[string]string{"sign_up": "on"})
	b := s.browser()
	instead := func(changes ...string) reply {
		t.Helper()
		p := b.get("/oauth2/auth?" + asking(changes...).Encode())
		return b.get(strings.Replace(p.header.Get("Location"), "/signup", "/login", 1))
	}
	page := instead("prompt", "create")
	p := b.post(page.action(), url.Values{"request": {page.field("request")}, "username": {"ada"}, "password": {testPassword}})
	first := claims(t, s.tokens(b.follow(p).location().Query().Get("code"))["id_token"])
	s.pass(10 * time.Second)

	for _, tc := range []struct {
		changes []string
		want    string
	}{{[]string{"prompt", "create"}, ""}, {[]string{"prompt", "create login"}, "/login"}, {[]string{"prompt", "create", "max_age", "5"}, "/login"}} {
		page = instead(tc.changes...)
		if !strings.Contains(page.body, `id="continue"`) {
			t.Fatalf("%v: no choice: %s", tc.changes, page.body)
		}
		p = b.get(b.post(page.action(), url.Values{"request": {page.field("request")}, "decision": {"continue"}}).header.Get("Location"))
		if tc.want != "" {
			if p.location().Path != tc.want {
				t.Errorf("%v: a choice leads to %s, want %s", tc.changes, p.location(), tc.want)
			}
			continue
		}
		if got := claims(t, s.tokens(p.location().Query().Get("code"))["id_token"]); got["auth_time"] != first["auth_time"] || got["sub"] != first["sub"] {
			t.Errorf("%v: ID token %v, want that of %v", tc.changes, got, first)
		}
	}
}

// Of those who ask for one name at once, one gets it.
func TestOfManyWhoAskForOneNameOneGetsIt(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := start(t, db, map[string]string{"sign_up": "on", "rate_limits": "off", "argon2_slots": "12"})
		const many = 8
		answers := make([]reply, many)
		var wait sync.WaitGroup
		for i := range many {
			b := s.browser()
			page := b.get(b.get("/oauth2/auth?" + asking("prompt", "create").Encode()).header.Get("Location"))
			wait.Go(func() {
				answers[i] = b.post(page.action(), url.Values{
					"request": {page.field("request")}, "username": {"grace"}, "password": {testPassword}, "repeat": {testPassword},
				})
			})
		}
		wait.Wait()
		won := 0
		for _, p := range answers {
			switch {
			case p.status == http.StatusSeeOther:
				won++
			case p.status != http.StatusBadRequest || !strings.Contains(p.body, "is taken") || p.header.Get("Set-Cookie") != "":
				t.Errorf("who lost was answered %d: %s", p.status, p.body)
			}
		}
		if won != 1 {
			t.Errorf("%d of %d got the name", won, many)
		}
	})
}
