package login_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// signUp submits the sign-up page that p redirects to, and returns the response.
func signUp(b *servertest.Browser, p servertest.Response, username string) servertest.Response {
	b.Server.TB.Helper()
	page := b.Get(p.Header.Get("Location"))
	return b.Follow(b.Post(page.FormAction(), url.Values{
		"request": {page.HiddenField("request")}, "username": {username}, "name": {"Grace Hopper"}, "email": {"ada@example.com"},
		"password": {servertest.Password}, "repeat": {servertest.Password},
	}))
}

// Where people may not make accounts, nothing offers it.
func TestSignUpIsOffByDefault(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	if got := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "create").Encode()).Location().Query(); got.Get("error") != "invalid_request" {
		t.Errorf("prompt create: %v, want invalid_request", got)
	}
	prompts := b.Get("/.well-known/openid-configuration").JSON(t)["prompt_values_supported"].([]any)
	if len(prompts) != 4 || slices.Contains(prompts, any("create")) {
		t.Errorf("prompt_values_supported = %v", prompts)
	}
	to := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode()).Header.Get("Location")
	if p := b.Get(to); strings.Contains(p.Body, "/signup") {
		t.Errorf("the sign-in page leads to sign-up: %s", p.Body)
	}
	for _, p := range []servertest.Response{b.Get(strings.Replace(to, "/login", "/signup", 1)), b.Post("/signup", url.Values{})} {
		if p.Status != http.StatusNotFound || !strings.Contains(p.Body, "not_found") {
			t.Errorf("the sign-up page: %d %s", p.Status, p.Body)
		}
	}
}

// Initiating User Registration via OpenID Connect 1.0, section 4.
func TestPromptCreateCreatesAccount(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, map[string]string{"sign_up": "on"})
		b := s.NewBrowser()
		ask := func(changes ...string) servertest.Response {
			return b.Get("/oauth2/auth?" + servertest.AuthorizationRequest(changes...).Encode())
		}
		if got := ask("prompt", "none create").Location().Query().Get("error"); got != "invalid_request" {
			t.Errorf("prompt none create: error %q", got)
		}
		seen := map[any]bool{}
		for username, changes := range map[string][]string{
			"grace": {"prompt", "create"}, "hedy": {"prompt", "create login"}, "mary": {"prompt", "create select_account"},
			"joan": {"prompt", "create", "max_age", "0"},
		} {
			s.Advance(10 * time.Second)
			p := ask(append(changes, "scope", "openid email")...) // also if another user is signed in
			if p.Location().Path != "/signup" {
				t.Fatalf("%v leads to %s", changes, p.Location())
			}
			p = signUp(b, p, username)
			tokens := s.ExchangeCode(p.Location().Query().Get("code"))
			id, info := servertest.Claims(t, tokens["id_token"]), s.Userinfo(tokens["access_token"]).JSON(t)
			if seen[id["sub"]] || id["auth_time"] != float64(s.Time().Unix()) || info["email"] != "ada@example.com" || info["email_verified"] != false {
				t.Errorf("%v: ID token %v, userinfo %v", changes, id, info)
			}
			seen[id["sub"]] = true
			s.Advance(10 * time.Second)
			again := servertest.Claims(t, s.ExchangeCode(b.Code(servertest.AuthorizationRequest("prompt", "none")))["id_token"])
			if again["sub"] != id["sub"] || again["auth_time"] != id["auth_time"] {
				t.Errorf("%v: signed in as %v since %v afterwards, want %v since %v", changes, again["sub"], again["auth_time"], id["sub"], id["auth_time"])
			}
		}
	})
}

// A user with an account may sign in instead, and then need not create another account.
func TestPromptCreateAllowsSignIn(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), map[string]string{"sign_up": "on"})
	b := s.NewBrowser()
	instead := func(changes ...string) servertest.Response {
		t.Helper()
		p := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest(changes...).Encode())
		return b.Get(strings.Replace(p.Header.Get("Location"), "/signup", "/login", 1))
	}
	page := instead("prompt", "create")
	p := b.Post(page.FormAction(), url.Values{"request": {page.HiddenField("request")}, "username": {"ada"}, "password": {servertest.Password}})
	first := servertest.Claims(t, s.ExchangeCode(b.Follow(p).Location().Query().Get("code"))["id_token"])
	s.Advance(10 * time.Second)

	for _, tc := range []struct {
		changes []string
		want    string
	}{{[]string{"prompt", "create"}, ""}, {[]string{"prompt", "create login"}, "/login"}, {[]string{"prompt", "create", "max_age", "5"}, "/login"}} {
		page = instead(tc.changes...)
		if !strings.Contains(page.Body, `id="continue"`) {
			t.Fatalf("%v: no choice: %s", tc.changes, page.Body)
		}
		p = b.Get(b.Post(page.FormAction(), url.Values{"request": {page.HiddenField("request")}, "decision": {"continue"}}).Header.Get("Location"))
		if tc.want != "" {
			if p.Location().Path != tc.want {
				t.Errorf("%v: a choice leads to %s, want %s", tc.changes, p.Location(), tc.want)
			}
			continue
		}
		if got := servertest.Claims(t, s.ExchangeCode(p.Location().Query().Get("code"))["id_token"]); got["auth_time"] != first["auth_time"] || got["sub"] != first["sub"] {
			t.Errorf("%v: ID token %v, want that of %v", tc.changes, got, first)
		}
	}
}

// One of several concurrent sign-ups gets the username.
func TestConcurrentSignUpsOneGetsUsername(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, map[string]string{"sign_up": "on", "rate_limits": "off", "argon2_slots": "12"})
		const many = 8
		answers := make([]servertest.Response, many)
		var wait sync.WaitGroup
		for i := range many {
			b := s.NewBrowser()
			page := b.Get(b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "create").Encode()).Header.Get("Location"))
			wait.Go(func() {
				answers[i] = b.Post(page.FormAction(), url.Values{
					"request": {page.HiddenField("request")}, "username": {"grace"}, "password": {servertest.Password}, "repeat": {servertest.Password},
				})
			})
		}
		wait.Wait()
		won := 0
		for _, p := range answers {
			switch {
			case p.Status == http.StatusSeeOther:
				won++
			case p.Status != http.StatusBadRequest || !strings.Contains(p.Body, "already taken") || p.Header.Get("Set-Cookie") != "":
				t.Errorf("who lost was answered %d: %s", p.Status, p.Body)
			}
		}
		if won != 1 {
			t.Errorf("%d of %d got the name", won, many)
		}
	})
}
