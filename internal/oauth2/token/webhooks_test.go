package token_test

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

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// hooked is a token hook for tests.
type hooked struct {
	url string

	mu       sync.Mutex
	requests []servertest.Object
	heads    []http.Header
	status   int
	answer   string
}

func newHook(tb testing.TB) *hooked {
	tb.Helper()
	h := &hooked{status: http.StatusNoContent}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var received servertest.Object
		if err != nil || json.Unmarshal(body, &received) != nil || r.Method != http.MethodPost {
			tb.Errorf("a hook is sent %s (%v)", body, err)
		}
		h.mu.Lock()
		h.requests, h.heads = append(h.requests, received), append(h.heads, r.Header)
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

// newRequests returns the requests to the hook since the last call.
func (h *hooked) newRequests() []servertest.Object {
	h.mu.Lock()
	defer h.mu.Unlock()
	received := h.requests
	h.requests = nil
	return received
}

// part returns a member within others.
func part(o any, names ...string) any {
	for _, name := range names {
		members, _ := o.(servertest.Object)
		o = members[name]
	}
	return o
}

func TestTokenHookRunsForEveryGrant(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		h := newHook(t)
		s := servertest.Start(t, db, map[string]string{
			"token_hook_url": h.url, "token_hook_auth_name": "X-Api-Key", "token_hook_auth_value": "a key", "allowed_top_level_claims": "tier",
		})
		a := servertest.NewAssertionIssuer(s, "")
		h.says(http.StatusOK, `{"session":{"access_token":{"tier":"gold","n":1},"id_token":{"team":"x","sub":"evil","iss":"evil"}}}`)

		got := s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest("resource", "https://api.example")))
		received := h.newRequests()
		if len(received) != 1 || h.heads[0].Get("X-Api-Key") != "a key" || h.heads[0].Get("Content-Type") != "application/json" {
			t.Fatalf("the hook received %v with %v", received, h.heads)
		}
		subject := servertest.Claims(t, got["access_token"])["sub"]
		servertest.WantMembers(t, part(received[0], "request").(servertest.Object), servertest.Object{
			"client_id": "web", "granted_scopes": []any{"openid", "offline_access", "api"}, "granted_audience": []any{"https://api.example"},
			"grant_types": []any{"authorization_code"}, "payload": servertest.Object{}, "requested_scopes": []any{"openid", "offline_access", "api"},
		})
		servertest.WantMembers(t, part(received[0], "session").(servertest.Object), servertest.Object{
			"client_id": "web", "extra": servertest.Object{}, "allowed_top_level_claims": []any{"tier"}, "mirror_top_level_claims": true,
		})
		servertest.WantMembers(t, part(received[0], "session", "id_token").(servertest.Object), servertest.Object{"subject": subject, "username": "ada"})
		servertest.WantMembers(t, part(received[0], "session", "id_token", "id_token_claims").(servertest.Object), servertest.Object{
			"iss": s.URL, "sub": subject, "aud": []any{"web"}, "nonce": "a nonce", "ext": servertest.Object{},
		})
		check := func(tokens map[string]any) {
			t.Helper()
			servertest.WantMembers(t, servertest.Claims(t, tokens["access_token"]), servertest.Object{"ext": servertest.Object{"tier": "gold", "n": 1.0}, "tier": "gold", "sub": subject})
			servertest.WantMembers(t, servertest.Claims(t, tokens["id_token"]), servertest.Object{"team": "x", "sub": subject, "iss": s.URL})
			servertest.WantMembers(t, s.Userinfo(tokens["access_token"]).JSON(t), servertest.Object{"team": "x", "sub": subject})
		}
		check(got)

		// Claims of the hook are stored, and repeated after a response without content.
		h.says(http.StatusNoContent, "")
		for range 2 {
			got = s.Refresh(got["refresh_token"]).JSON(t)
			received = h.newRequests()
			if len(received) != 1 {
				t.Fatalf("the hook received %v", received)
			}
			servertest.WantMembers(t, part(received[0], "session").(servertest.Object), servertest.Object{"extra": servertest.Object{"tier": "gold", "n": 1.0}})
			servertest.WantMembers(t, part(received[0], "request").(servertest.Object), servertest.Object{"grant_types": []any{"refresh_token"}})
			check(got)
		}
		h.says(http.StatusOK, `{"session":{"access_token":{"n":2}}}`)
		first := got["refresh_token"]
		got = s.Refresh(first).JSON(t)
		servertest.WantMembers(t, servertest.Claims(t, got["access_token"]), servertest.Object{"ext": servertest.Object{"n": 2.0}, "tier": nil})
		servertest.WantMembers(t, servertest.Claims(t, got["id_token"]), servertest.Object{"team": nil})

		// A second use within the grace period calls the hook and writes nothing.
		h.says(http.StatusOK, `{"session":{"access_token":{"n":3}}}`)
		servertest.WantMembers(t, servertest.Claims(t, s.Refresh(first).JSON(t)["access_token"]), servertest.Object{"ext": servertest.Object{"n": 3.0}})
		h.says(http.StatusNoContent, "")
		servertest.WantMembers(t, servertest.Claims(t, s.Refresh(got["refresh_token"]).JSON(t)["access_token"]), servertest.Object{"ext": servertest.Object{"n": 2.0}})
		h.newRequests()

		h.says(http.StatusOK, `{"session":{"access_token":{"n":4}}}`)
		own := s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "scope": {"api"}}).JSON(t)
		servertest.WantMembers(t, servertest.Claims(t, own["access_token"]), servertest.Object{"ext": servertest.Object{"n": 4.0}, "sub": "web"})
		sent := s.PostForm("/oauth2/introspect", url.Values{"token": {servertest.Text(own["access_token"])}}).JSON(t)
		servertest.WantMembers(t, sent, servertest.Object{"active": true, "ext": servertest.Object{"n": 4.0}})
		form := a.TokenRequest("mike")
		theirs := s.PostForm("/oauth2/token", form).JSON(t)
		servertest.WantMembers(t, servertest.Claims(t, theirs["access_token"]), servertest.Object{"ext": servertest.Object{"n": 4.0}, "sub": "mike"})
		received = h.newRequests()
		servertest.WantMembers(t, part(received[0], "request").(servertest.Object), servertest.Object{"grant_types": []any{"client_credentials"}, "granted_scopes": []any{"api"}})
		servertest.WantMembers(t, part(received[1], "request").(servertest.Object), servertest.Object{
			"grant_types": []any{servertest.JWTBearerGrant}, "payload": servertest.Object{"assertion": []any{form.Get("assertion")}},
		})
		servertest.WantMembers(t, part(received[1], "session", "id_token").(servertest.Object), servertest.Object{"subject": "mike"})
	})
}

// If a hook denies or fails, the code, refresh token or assertion remains valid.
func TestFailedTokenHookRedeemsNothing(t *testing.T) {
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
			s := servertest.Start(t, storetest.New(t), map[string]string{"token_hook_url": h.url})
			a := servertest.NewAssertionIssuer(s, "")
			code := s.NewBrowser().Code(servertest.AuthorizationRequest())
			assertion := a.TokenRequest("mike")
			requests := map[string]func() servertest.Response{
				"a code":       func() servertest.Response { return s.PostForm("/oauth2/token", servertest.CodeExchange(code)) },
				"an assertion": func() servertest.Response { return s.PostForm("/oauth2/token", assertion) },
				"client credentials": func() servertest.Response {
					return s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}})
				},
			}
			fails := func(what string, request func() servertest.Response) {
				t.Helper()
				h.says(tc.status, tc.answer)
				p := request()
				servertest.WantError(t, p, tc.want, tc.code)
				if p.Header.Get("Retry-After") != "" || p.Header.Get("Cache-Control") != "no-store" || strings.Contains(p.Body, "whatever") {
					t.Errorf("%s: %v %s", what, p.Header, p.Body)
				}
			}
			var tokens map[string]any
			for what, request := range requests {
				for range 2 {
					fails(what, request)
				}
				h.says(http.StatusNoContent, "")
				p := request()
				if p.Status != http.StatusOK {
					t.Fatalf("%s afterwards: %d %s", what, p.Status, p.Body)
				}
				if what == "a code" {
					tokens = p.JSON(t)
				}
			}
			refresh := func() servertest.Response { return s.Refresh(tokens["refresh_token"]) }
			fails("a refresh token", refresh)
			h.says(http.StatusNoContent, "")
			if p := refresh(); p.Status != http.StatusOK {
				t.Errorf("a refresh token afterwards: %d %s", p.Status, p.Body)
			}
		})
	}
}

// The hook is not called for invalid credentials.
func TestTokenHookIsNotCalledForFailedRequests(t *testing.T) {
	t.Parallel()
	h := newHook(t)
	s := servertest.Start(t, storetest.New(t), map[string]string{"token_hook_url": h.url})
	b := s.NewBrowser()
	tokens := s.ExchangeCode(b.Code(servertest.AuthorizationRequest()))
	code := b.Code(servertest.AuthorizationRequest())
	h.newRequests()
	for name, form := range map[string]url.Values{
		"another client's code":        servertest.CodeExchange(code, "client_id", "post", "client_secret", "post-secret-post-secret-post-sec"),
		"a code with no verifier":      servertest.CodeExchange(b.Code(servertest.AuthorizationRequest()), "code_verifier", ""),
		"a code with another verifier": servertest.CodeExchange(b.Code(servertest.AuthorizationRequest()), "code_verifier", strings.Repeat("x", 43)),
		"a code for elsewhere":         servertest.CodeExchange(b.Code(servertest.AuthorizationRequest()), "redirect_uri", "https://client.example/other"),
		"a code that is none":          servertest.CodeExchange("ost_ac_nonsense"),
		"a refresh token that is none": {"grant_type": {"refresh_token"}, "refresh_token": {"ost_rt_nonsense"}},
		"a scope that was not granted": {"grant_type": {"refresh_token"}, "refresh_token": {servertest.Text(tokens["refresh_token"])}, "scope": {"profile"}},
		"a scope of nobody's":          {"grant_type": {"client_credentials"}, "scope": {"admin"}},
	} {
		p := s.PostForm("/oauth2/token", form)
		if p.Status != http.StatusBadRequest || len(h.newRequests()) != 0 {
			t.Errorf("%s: %d %s, want 400 and no call of the hook", name, p.Status, p.Body)
		}
	}
	s.ExchangeCode(code)
	s.Advance(3 * time.Second)
	h.newRequests()
	servertest.WantError(t, s.PostForm("/oauth2/token", servertest.CodeExchange(code)), 400, "invalid_grant")
	s.Refresh(tokens["refresh_token"])
	s.Advance(time.Minute)
	h.newRequests()
	servertest.WantError(t, s.Refresh(tokens["refresh_token"]), 400, "invalid_grant")
	if received := h.newRequests(); len(received) != 0 {
		t.Errorf("about what came twice the hook received %v", received)
	}
}

func TestRefreshTokenHookRunsFirst(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		refreshed, all := newHook(t), newHook(t)
		s := servertest.Start(t, db, map[string]string{
			"refresh_token_hook_url": refreshed.url, "token_hook_url": all.url,
			"refresh_token_hook_auth_in": "cookie", "refresh_token_hook_auth_name": "key", "refresh_token_hook_auth_value": "a-key",
		})
		tokens := s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest()))
		if received := refreshed.newRequests(); len(received) != 0 {
			t.Errorf("about a code the refresh hook received %v", received)
		}
		all.newRequests()
		refreshed.says(http.StatusOK, `{"session":{"access_token":{"from":"refresh"},"id_token":{"from":"refresh"}}}`)
		subject := servertest.Claims(t, tokens["access_token"])["sub"]
		tokens = s.Refresh(tokens["refresh_token"], "scope", "openid api").JSON(t)
		received := refreshed.newRequests()
		if len(received) != 1 || refreshed.heads[0].Get("Cookie") != "key=a-key" {
			t.Fatalf("the refresh hook received %v with %v", received, refreshed.heads)
		}
		servertest.WantMembers(t, received[0], servertest.Object{ // the older form
			"subject": subject, "client_id": "web", "granted_scopes": []any{"openid", "api"}, "granted_audience": []any{},
		})
		servertest.WantMembers(t, received[0], servertest.Object{"requester": servertest.Object{
			"client_id": "web", "granted_scopes": []any{"openid", "api"}, "granted_audience": []any{}, "grant_types": []any{"refresh_token"},
		}})
		servertest.WantMembers(t, part(all.newRequests()[0], "session").(servertest.Object), servertest.Object{"extra": servertest.Object{"from": "refresh"}})
		servertest.WantMembers(t, servertest.Claims(t, tokens["access_token"]), servertest.Object{"ext": servertest.Object{"from": "refresh"}})
		servertest.WantMembers(t, servertest.Claims(t, tokens["id_token"]), servertest.Object{"from": "refresh"})

		all.says(http.StatusForbidden, "")
		servertest.WantError(t, s.Refresh(tokens["refresh_token"]), 403, "access_denied")
		all.says(http.StatusNoContent, "")
		refreshed.says(http.StatusForbidden, "")
		servertest.WantError(t, s.Refresh(tokens["refresh_token"]), 403, "access_denied")
		if p := s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}}); p.Status != http.StatusOK {
			t.Errorf("client credentials: %d %s", p.Status, p.Body)
		}
	})
}

// Of concurrent requests with a refresh token one rotates it, with different results of hooks.
func TestTokenHookKeepsRedemptionAtomic(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		h := newHook(t)
		h.says(http.StatusOK, `{"session":{"access_token":{"n":1}}}`)
		s := servertest.Start(t, db, map[string]string{"token_hook_url": h.url, "rate_limits": "off"})
		code := s.NewBrowser().Code(servertest.AuthorizationRequest())
		var all sync.WaitGroup
		served := make(chan int, 12)
		for range cap(served) {
			all.Go(func() { served <- s.PostForm("/oauth2/token", servertest.CodeExchange(code)).Status })
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
