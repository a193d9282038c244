package backchannelauth_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// A client cannot tell from a response whether a hint names a user.
func TestResponsesDoNotRevealUsers(t *testing.T) {
	eachServer(t, nil, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		s.ImportClient(`{"client_id": "staff", "client_secret": "` + servertest.OtherSecret + `", "token_endpoint_auth_method": "client_secret_post", "scope": "openid",
			"grant_types": ["` + servertest.CIBAGrant + `"], "allowed_groups": ["staff"]}`)
		for _, id := range []string{"bank", "staff"} { // reads clients and scopes into the caches
			servertest.BeginBackchannel(s.Server, servertest.BackchannelForm("client_id", id, "login_hint", "bob", "requested_expiry", "1"))
		}
		outcomes := map[string][]string{}
		for name, changes := range map[string][]string{
			"a user who does not answer": {"login_hint", "ada"}, "an unknown user": {"login_hint", "nobody"}, "an unknown address": {"login_hint", "nobody@example.com"},
			"a user in no group": {"client_id", "staff", "login_hint", "bob"},
		} {
			before := s.Store.Statements()
			p := s.PostForm("/oauth2/ciba", servertest.BackchannelForm(changes...))
			statements := s.Store.Statements() - before
			response := p.JSON(t)
			id := servertest.Text(response["auth_req_id"])
			outcomes[name] = append(outcomes[name], http.StatusText(p.Status), strings.Repeat("x", len(id)), servertest.Text(response["expires_in"]), time.Duration(statements).String())
			for range 2 {
				s.Advance(5 * time.Second)
				form := servertest.BackchannelForm(append(changes, "grant_type", servertest.CIBAGrant, "auth_req_id", id)...)
				before = s.Store.Statements()
				p = s.PostForm("/oauth2/token", form)
				outcomes[name] = append(outcomes[name], p.Body, time.Duration(s.Store.Statements()-before).String())
			}
			s.Advance(2 * time.Minute)
			p = s.PostForm("/oauth2/token", servertest.BackchannelForm(append(changes, "grant_type", servertest.CIBAGrant, "auth_req_id", id)...))
			outcomes[name] = append(outcomes[name], p.Body)
			if name != "a user who does not answer" {
				if p := decide(s, id, "accept", ""); p.Status != http.StatusNotFound {
					t.Errorf("%s: accept: %d", name, p.Status)
				}
			}
		}
		want := strings.Join(outcomes["a user who does not answer"], "\n")
		for name, outcome := range outcomes {
			if got := strings.Join(outcome, "\n"); got != want {
				t.Errorf("%s:\n%s\nwant:\n%s", name, got, want)
			}
		}
		servertest.Contains(t, want, "authorization_pending", "expired_token")
	})
}

// The limits hold for all replicas together, and for concurrent requests.
func TestLimits(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := servertest.Start(t, storetest.Open(t, url), map[string]string{
			"ciba_open_requests_per_user": "3", "ciba_requests_per_user": "5", "ciba_requests_per_client": "12", "ciba_wrong_hints_per_client": "4",
		})
		servertest.AddBackchannelClients(s)
		accepted := func(count int, form func(i int) []string) (n int, last servertest.Response) {
			var wait sync.WaitGroup
			var mu sync.Mutex
			for i := range count {
				wait.Go(func() {
					p := s.PostForm("/oauth2/ciba", servertest.BackchannelForm(form(i)...))
					mu.Lock()
					defer mu.Unlock()
					if p.Status == http.StatusOK {
						n++
					} else {
						last = p
					}
				})
			}
			wait.Wait()
			return n, last
		}
		n, refused := accepted(8, func(int) []string { return nil })
		if n != 3 || refused.Status != http.StatusTooManyRequests || refused.Header.Get("Retry-After") == "" || servertest.Text(refused.JSON(t)["error"]) != "temporarily_unavailable" {
			t.Errorf("%d open requests, want 3; then %d %s", n, refused.Status, refused.Body)
		}
		s.Advance(3 * time.Minute) // the requests expire
		if n, _ := accepted(4, func(int) []string { return []string{"login_hint", "ada@example.com", "client_id", "other"} }); n != 2 {
			t.Errorf("%d more requests in the hour, want 2", n)
		}
		s.Advance(time.Hour)
		if n, _ := accepted(8, func(i int) []string { return []string{"login_hint", "nobody-" + string(rune('a'+i))} }); n != 4 {
			t.Errorf("%d hints without a user, want 4", n)
		}
		if n, _ := accepted(1, func(int) []string { return []string{"login_hint", "bob"} }); n != 0 {
			t.Error("a client with too many wrong hints learns which are right")
		}
		if n, _ := accepted(1, func(int) []string { return []string{"login_hint", "bob", "client_id", "other"} }); n != 1 {
			t.Error("another client pays for wrong hints")
		}
		s.Advance(time.Hour)
		if n, _ := accepted(14, func(i int) []string {
			return []string{"login_hint", "nobody-" + string(rune('a'+i/3)), "requested_expiry", "1"}
		}); n > 4 {
			t.Errorf("%d hints without a user, want 4", n)
		}
		if p := s.PostForm("/oauth2/ciba", servertest.BackchannelForm("scope", "")); p.Status != http.StatusTooManyRequests {
			t.Errorf("the 15th request of a client in a minute: %d %s", p.Status, p.Body)
		}
		s.Advance(time.Minute)
		servertest.WantError(t, s.PostForm("/oauth2/ciba", servertest.BackchannelForm("scope", "")), 400, "invalid_scope")
	})
}

// rate_limits: off switches them all off.
func TestNoLimits(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), map[string]string{"rate_limits": "off", "ciba_open_requests_per_user": "1", "ciba_requests_per_client": "1"})
	servertest.AddBackchannelClients(s)
	for range 3 {
		servertest.BeginBackchannel(s, servertest.BackchannelForm())
	}
}
