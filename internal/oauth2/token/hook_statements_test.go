package token_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// With hooks, the grant is read before it is redeemed.
func TestStatementsWithHooks(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		h := newHook(t)
		s := servertest.Start(t, db, map[string]string{"token_hook_url": h.url})
		code := s.NewBrowser().Code(servertest.AuthorizationRequest())
		s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}}) // reads the client
		count := func(what string, want int64, request func() servertest.Response) servertest.Response {
			t.Helper()
			before := db.Statements()
			p := request()
			if got := db.Statements() - before; got != want || p.Status != http.StatusOK {
				t.Errorf("%s: %d after %d statements, want %d", what, p.Status, got, want)
			}
			return p
		}
		h.says(http.StatusOK, `{"session":{"access_token":{"n":1}}}`)
		tokens := count("authorization_code", 2, func() servertest.Response { return s.PostForm("/oauth2/token", servertest.CodeExchange(code)) }).JSON(t)
		count("refresh_token", 2, func() servertest.Response { return s.Refresh(tokens["refresh_token"]) })
		count("client_credentials", 0, func() servertest.Response {
			return s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}})
		})
	})
}

// The hook is called when the user of the device has answered, and not for each poll.
func TestTokenHookRunsForDeviceFlow(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		h := newHook(t)
		s := servertest.StartWithDeviceClients(t, db, map[string]string{"token_hook_url": h.url})
		s.ImportClient(`{"client_id": "tv", "client_secret": "` + servertest.DeviceClientSecret + `", "token_endpoint_auth_method": "client_secret_post",
			"grant_types": ["` + servertest.DeviceGrant + `", "refresh_token"], "scope": "openid offline_access", "device_authorization_grant_access_token_lifespan": "3h",
			"device_authorization_grant_id_token_lifespan": "2h", "device_authorization_grant_refresh_token_lifespan": "1h"}`)
		d := servertest.AuthorizeDevice(s, servertest.DeviceClientForm("scope", "openid offline_access"))
		servertest.WantError(t, d.Poll(), 400, "authorization_pending")
		b := s.NewBrowser()
		b.Follow(b.EnterUserCode(d, "continue"))
		if received := h.newRequests(); len(received) != 0 {
			t.Errorf("about a device that waits the hook received %v", received)
		}
		h.says(http.StatusForbidden, "")
		servertest.WantError(t, d.Poll(), 403, "access_denied")
		h.says(http.StatusOK, `{"session":{"access_token":{"n":1},"id_token":{"m":1}}}`)
		tokens := d.Poll().JSON(t)
		servertest.WantMembers(t, servertest.Claims(t, tokens["access_token"]), servertest.Object{"ext": servertest.Object{"n": 1.0}})
		servertest.WantMembers(t, servertest.Claims(t, tokens["id_token"]), servertest.Object{"m": 1.0})
		received := h.newRequests()
		if len(received) != 2 {
			t.Fatalf("the hook received %v", received)
		}
		servertest.WantMembers(t, part(received[1], "request").(servertest.Object), servertest.Object{"client_id": "tv", "grant_types": []any{servertest.DeviceGrant}})
		wantLasting(t, "an ID token of a device", tokens["id_token"], 2*time.Hour)

		h.says(http.StatusNoContent, "")
		s.Advance(59 * time.Minute)
		next := s.PostForm("/oauth2/token", servertest.DeviceClientForm("grant_type", "refresh_token", "refresh_token", servertest.Text(tokens["refresh_token"])))
		servertest.WantMembers(t, servertest.Claims(t, next.JSON(t)["access_token"]), servertest.Object{"ext": servertest.Object{"n": 1.0}})
		d = servertest.AuthorizeDevice(s, servertest.DeviceClientForm("scope", "openid offline_access"))
		b.Follow(b.EnterUserCode(d, "continue"))
		tokens = d.Poll().JSON(t)
		s.Advance(time.Hour)
		servertest.WantError(t, s.PostForm("/oauth2/token", servertest.DeviceClientForm("grant_type", "refresh_token", "refresh_token", servertest.Text(tokens["refresh_token"]))), 400, "invalid_grant")
	})
}

// Requests that wait for a slow hook do not block others. A client that disconnects keeps its
// credential.
func TestSlowTokenHookDoesNotBlockOthers(t *testing.T) {
	t.Parallel()
	received, hang := make(chan struct{}, 10), make(chan struct{})
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or it is not seen that the caller hangs up
		received <- struct{}{}
		select {
		case <-hang:
			w.WriteHeader(http.StatusNoContent)
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(hook.Close)
	s := servertest.Start(t, storetest.New(t), map[string]string{
		"admission_slots": "1", "admission_wait": "3s", "refresh_token_hook_url": hook.URL,
	})
	tokens := s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest()))
	ctx, hangUp := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {servertest.Text(tokens["refresh_token"])}}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/oauth2/token", strings.NewReader(form.Encode()))
		if err != nil {
			t.Error(err)
			return
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth("web", "web-secret-web-secret-web-secret-")
		if answer, err := http.DefaultClient.Do(r); err == nil {
			answer.Body.Close()
		}
	}()
	select {
	case <-received:
	case <-ended:
		t.Fatal("the hook was not called")
	}
	for range 3 {
		if got := s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}}); got.Status != http.StatusOK {
			t.Errorf("a token for somebody else, meanwhile: %d %s", got.Status, got.Body)
		}
	}
	hangUp()
	<-ended
	close(hang)
	if p := s.Refresh(tokens["refresh_token"]); p.Status != http.StatusOK {
		t.Errorf("the refresh token afterwards: %d %s", p.Status, p.Body)
	}
}
