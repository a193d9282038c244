package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// hooked is a program of the operator's that is asked about tokens.
type hooked struct {
	url string

	mu     sync.Mutex
	asked  []object
	heads  []http.Header
	status int
	answer string
}

func newHook(tb testing.TB) *hooked {
	tb.Helper()
	h := &hooked{status: http.StatusNoContent}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var asked object
		if err != nil || json.Unmarshal(body, &asked) != nil || r.Method != http.MethodPost {
			tb.Errorf("a hook is sent %s (%v)", body, err)
		}
		h.mu.Lock()
		h.asked, h.heads = append(h.asked, asked), append(h.heads, r.Header)
		status, answer := h.status, h.answer
		h.mu.Unlock()
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	tb.Cleanup(s.Close)
	h.url = s.URL + "/hook?secret=s3cr3t"
	return h
}

// says makes the hook answer from now on.
func (h *hooked) says(status int, answer string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status, h.answer = status, answer
}

// heard returns what the hook was asked since the last time.
func (h *hooked) heard() []object {
	h.mu.Lock()
	defer h.mu.Unlock()
	asked := h.asked
	h.asked = nil
	return asked
}

// part returns a member within others.
func part(o any, names ...string) any {
	for _, name := range names {
		members, _ := o.(object)
		o = members[name]
	}
	return o
}

func TestATokenHookHasASayInEveryToken(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		h := newHook(t)
		s := start(t, db, map[string]string{
			"token_hook_url": h.url, "token_hook_auth_name": "X-Api-Key", "token_hook_auth_value": "a key", "allowed_top_level_claims": "tier",
		})
		a := s.trusting("")
		h.says(http.StatusOK, `{"session":{"access_token":{"tier":"gold","n":1},"id_token":{"team":"x","sub":"evil","iss":"evil"}}}`)

		got := s.tokens(s.browser().code(asking("resource", "https://api.example")))
		asked := h.heard()
		if len(asked) != 1 || h.heads[0].Get("X-Api-Key") != "a key" || h.heads[0].Get("Content-Type") != "application/json" {
			t.Fatalf("the hook was asked %v with %v", asked, h.heads)
		}
		subject := claims(t, got["access_token"])["sub"]
		wantMembers(t, part(asked[0], "request").(object), object{
			"client_id": "web", "granted_scopes": []any{"openid", "offline_access", "api"}, "granted_audience": []any{"https://api.example"},
			"grant_types": []any{"authorization_code"}, "payload": object{}, "requested_scopes": []any{"openid", "offline_access", "api"},
		})
		wantMembers(t, part(asked[0], "session").(object), object{
			"client_id": "web", "extra": object{}, "allowed_top_level_claims": []any{"tier"}, "mirror_top_level_claims": true,
		})
		wantMembers(t, part(asked[0], "session", "id_token").(object), object{"subject": subject, "username": "ada"})
		wantMembers(t, part(asked[0], "session", "id_token", "id_token_claims").(object), object{
			"iss": s.url, "sub": subject, "aud": []any{"web"}, "nonce": "a nonce", "ext": object{},
		})
		check := func(tokens map[string]any) {
			t.Helper()
			wantMembers(t, claims(t, tokens["access_token"]), object{"ext": object{"tier": "gold", "n": 1.0}, "tier": "gold", "sub": subject})
			wantMembers(t, claims(t, tokens["id_token"]), object{"team": "x", "sub": subject, "iss": s.url})
			wantMembers(t, s.userinfo(tokens["access_token"]).json(t), object{"team": "x", "sub": subject})
		}
		check(got)

		// What it has said is said again, also where it keeps silent.
		h.says(http.StatusNoContent, "")
		for range 2 {
			got = s.refresh(got["refresh_token"]).json(t)
			asked = h.heard()
			if len(asked) != 1 {
				t.Fatalf("the hook was asked %v", asked)
			}
			wantMembers(t, part(asked[0], "session").(object), object{"extra": object{"tier": "gold", "n": 1.0}})
			wantMembers(t, part(asked[0], "request").(object), object{"grant_types": []any{"refresh_token"}})
			check(got)
		}
		h.says(http.StatusOK, `{"session":{"access_token":{"n":2}}}`)
		first := got["refresh_token"]
		got = s.refresh(first).json(t)
		wantMembers(t, claims(t, got["access_token"]), object{"ext": object{"n": 2.0}, "tier": nil})
		wantMembers(t, claims(t, got["id_token"]), object{"team": nil})

		// A repeat within the grace window is asked about, and writes nothing.
		h.says(http.StatusOK, `{"session":{"access_token":{"n":3}}}`)
		wantMembers(t, claims(t, s.refresh(first).json(t)["access_token"]), object{"ext": object{"n": 3.0}})
		h.says(http.StatusNoContent, "")
		wantMembers(t, claims(t, s.refresh(got["refresh_token"]).json(t)["access_token"]), object{"ext": object{"n": 2.0}})
		h.heard()

		h.says(http.StatusOK, `{"session":{"access_token":{"n":4}}}`)
		own := s.call("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "scope": {"api"}}).json(t)
		wantMembers(t, claims(t, own["access_token"]), object{"ext": object{"n": 4.0}, "sub": "web"})
		said := s.call("/oauth2/introspect", url.Values{"token": {text(own["access_token"])}}).json(t)
		wantMembers(t, said, object{"active": true, "ext": object{"n": 4.0}})
		form := a.asserts("mike")
		theirs := s.call("/oauth2/token", form).json(t)
		wantMembers(t, claims(t, theirs["access_token"]), object{"ext": object{"n": 4.0}, "sub": "mike"})
		asked = h.heard()
		wantMembers(t, part(asked[0], "request").(object), object{"grant_types": []any{"client_credentials"}, "granted_scopes": []any{"api"}})
		wantMembers(t, part(asked[1], "request").(object), object{
			"grant_types": []any{bearerGrant}, "payload": object{"assertion": []any{form.Get("assertion")}},
		})
		wantMembers(t, part(asked[1], "session", "id_token").(object), object{"subject": "mike"})
	})
}

// What a hook refuses or fails at costs nobody their code, refresh token or assertion.
func TestAHookThatRefusesOrFailsCostsNothing(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status int
		answer string
		want   int
		code   string
	}{
		"refuses":                         {403, `{"error":"whatever"}`, 403, "access_denied"},
		"fails":                           {500, "", 500, "server_error"},
		"is not there":                    {404, "", 500, "server_error"},
		"refuses in another way":          {401, "", 500, "server_error"},
		"sends elsewhere":                 {302, "", 500, "server_error"},
		"is created":                      {201, `{"session":{}}`, 500, "server_error"},
		"says nothing":                    {200, "", 500, "server_error"},
		"says something else":             {200, `{"sessions":{}}`, 500, "server_error"},
		"says what is no object":          {200, `{"session":{"access_token":[1]}}`, 500, "server_error"},
		"says too much for a token":       {200, `{"session":{"access_token":{"a":"` + strings.Repeat("a", 9<<10) + `"}}}`, 500, "server_error"},
		"says too much for an ID token":   {200, `{"session":{"id_token":{"a":"` + strings.Repeat("a", 9<<10) + `"}}}`, 500, "server_error"},
		"says more than is listened to":   {200, `{"session":{}}` + strings.Repeat(" ", 64<<10), 500, "server_error"},
		"says something besides the JSON": {200, `{"session":{}} x`, 500, "server_error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHook(t)
			s := start(t, storetest.New(t), map[string]string{"token_hook_url": h.url})
			a := s.trusting("")
			code := s.browser().code(asking())
			assertion := a.asserts("mike")
			requests := map[string]func() reply{
				"a code":             func() reply { return s.call("/oauth2/token", exchanging(code)) },
				"an assertion":       func() reply { return s.call("/oauth2/token", assertion) },
				"client credentials": func() reply { return s.call("/oauth2/token", url.Values{"grant_type": {"client_credentials"}}) },
			}
			fails := func(what string, request func() reply) {
				t.Helper()
				h.says(tc.status, tc.answer)
				p := request()
				wantError(t, p, tc.want, tc.code)
				if p.header.Get("Retry-After") != "" || p.header.Get("Cache-Control") != "no-store" || strings.Contains(p.body, "whatever") {
					t.Errorf("%s: %v %s", what, p.header, p.body)
				}
			}
			var tokens map[string]any
			for what, request := range requests {
				for range 2 {
					fails(what, request)
				}
				h.says(http.StatusNoContent, "")
				p := request()
				if p.status != http.StatusOK {
					t.Fatalf("%s afterwards: %d %s", what, p.status, p.body)
				}
				if what == "a code" {
					tokens = p.json(t)
				}
			}
			refresh := func() reply { return s.refresh(tokens["refresh_token"]) }
			fails("a refresh token", refresh)
			h.says(http.StatusNoContent, "")
			if p := refresh(); p.status != http.StatusOK {
				t.Errorf("a refresh token afterwards: %d %s", p.status, p.body)
			}
		})
	}
}

// Nobody makes us ask a hook who has not what it takes.
func TestAHookIsNotAskedInVain(t *testing.T) {
	t.Parallel()
	h := newHook(t)
	s := start(t, storetest.New(t), map[string]string{"token_hook_url": h.url})
	b := s.browser()
	tokens := s.tokens(b.code(asking()))
	code := b.code(asking())
	h.heard()
	for name, form := range map[string]url.Values{
		"another client's code":        exchanging(code, "client_id", "post", "client_secret", "post-secret-post-secret-post-sec"),
		"a code with no verifier":      exchanging(b.code(asking()), "code_verifier", ""),
		"a code with another verifier": exchanging(b.code(asking()), "code_verifier", strings.Repeat("x", 43)),
		"a code for elsewhere":         exchanging(b.code(asking()), "redirect_uri", "https://client.example/other"),
		"a code that is none":          exchanging("ost_ac_nonsense"),
		"a refresh token that is none": {"grant_type": {"refresh_token"}, "refresh_token": {"ost_rt_nonsense"}},
		"a scope that was not granted": {"grant_type": {"refresh_token"}, "refresh_token": {text(tokens["refresh_token"])}, "scope": {"profile"}},
		"a scope of nobody's":          {"grant_type": {"client_credentials"}, "scope": {"admin"}},
	} {
		p := s.call("/oauth2/token", form)
		if p.status != http.StatusBadRequest || len(h.heard()) != 0 {
			t.Errorf("%s: %d %s, and the hook was asked, or should have been", name, p.status, p.body)
		}
	}
	s.tokens(code)
	s.pass(3 * time.Second)
	h.heard()
	wantError(t, s.call("/oauth2/token", exchanging(code)), 400, "invalid_grant")
	s.refresh(tokens["refresh_token"])
	s.pass(time.Minute)
	h.heard()
	wantError(t, s.refresh(tokens["refresh_token"]), 400, "invalid_grant")
	if asked := h.heard(); len(asked) != 0 {
		t.Errorf("about what came twice the hook was asked %v", asked)
	}
}

func TestARefreshHookIsAskedFirst(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		refreshed, all := newHook(t), newHook(t)
		s := start(t, db, map[string]string{
			"refresh_token_hook_url": refreshed.url, "token_hook_url": all.url,
			"refresh_token_hook_auth_in": "cookie", "refresh_token_hook_auth_name": "key", "refresh_token_hook_auth_value": "a-key",
		})
		tokens := s.tokens(s.browser().code(asking()))
		if asked := refreshed.heard(); len(asked) != 0 {
			t.Errorf("about a code the refresh hook was asked %v", asked)
		}
		all.heard()
		refreshed.says(http.StatusOK, `{"session":{"access_token":{"from":"refresh"},"id_token":{"from":"refresh"}}}`)
		subject := claims(t, tokens["access_token"])["sub"]
		tokens = s.refresh(tokens["refresh_token"], "scope", "openid api").json(t)
		asked := refreshed.heard()
		if len(asked) != 1 || refreshed.heads[0].Get("Cookie") != "key=a-key" {
			t.Fatalf("the refresh hook was asked %v with %v", asked, refreshed.heads)
		}
		wantMembers(t, asked[0], object{ // of old
			"subject": subject, "client_id": "web", "granted_scopes": []any{"openid", "api"}, "granted_audience": []any{},
		})
		wantMembers(t, asked[0], object{"requester": object{
			"client_id": "web", "granted_scopes": []any{"openid", "api"}, "granted_audience": []any{}, "grant_types": []any{"refresh_token"},
		}})
		wantMembers(t, part(all.heard()[0], "session").(object), object{"extra": object{"from": "refresh"}})
		wantMembers(t, claims(t, tokens["access_token"]), object{"ext": object{"from": "refresh"}})
		wantMembers(t, claims(t, tokens["id_token"]), object{"from": "refresh"})

		all.says(http.StatusForbidden, "")
		wantError(t, s.refresh(tokens["refresh_token"]), 403, "access_denied")
		all.says(http.StatusNoContent, "")
		refreshed.says(http.StatusForbidden, "")
		wantError(t, s.refresh(tokens["refresh_token"]), 403, "access_denied")
		if p := s.call("/oauth2/token", url.Values{"grant_type": {"client_credentials"}}); p.status != http.StatusOK {
			t.Errorf("client credentials: %d %s", p.status, p.body)
		}
	})
}

// A refresh token serves one of many at once, whatever hooks say to each of them.
func TestAHookBreaksNoCompareAndSet(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		h := newHook(t)
		h.says(http.StatusOK, `{"session":{"access_token":{"n":1}}}`)
		s := start(t, db, map[string]string{"token_hook_url": h.url, "rate_limits": "off"})
		code := s.browser().code(asking())
		var all sync.WaitGroup
		served := make(chan int, 12)
		for range cap(served) {
			all.Go(func() { served <- s.call("/oauth2/token", exchanging(code)).status })
		}
		all.Wait()
		close(served)
		good := 0
		for status := range served {
			if status == http.StatusOK {
				good++
			} else if status != http.StatusBadRequest {
				t.Errorf("a loser gets %d", status)
			}
		}
		if good != 1 {
			t.Errorf("%d got tokens, want one", good)
		}
	})
}
