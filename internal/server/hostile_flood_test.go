package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/server"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Authorization requests that an unauthenticated client can make the server store are limited in
// size and number.
func TestHostileAuthorizationRequestFloodIsLimited(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), map[string]string{"max_redirect_url_length": "65536"})
	b := s.NewBrowser()
	long := strings.Repeat("s", 16<<10)
	for name, p := range map[string]servertest.Response{
		"by GET":  b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("state", long).Encode()),
		"by POST": b.Post("/oauth2/auth", servertest.AuthorizationRequest("state", long)),
	} {
		if q := p.Location().Query(); q.Get("error") != "invalid_request" || q.Get("state") != long {
			t.Errorf("%s: %d with %q, want invalid_request for the client", name, p.Status, q.Get("error"))
		}
	}
	// The limit applies to the encoded size, which is stored.
	if q := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("state", strings.Repeat("%", 8<<10)).Encode()).Location().Query(); q.Get("error") != "invalid_request" {
		t.Errorf("24 KiB once encoded: %v, want invalid_request for the client", q)
	}
	if p := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("state", long[:15<<10]).Encode()); p.Location().Path != "/login" {
		t.Errorf("15 KiB: %d to %q, want the sign-in page", p.Status, p.Location().Path)
	}

	allowed := 4
	p := b.Get("/oauth2/auth")
	for ; p.Status == http.StatusBadRequest && allowed < 1000; p = b.Get("/oauth2/auth") {
		allowed++
	}
	if p.Status != http.StatusTooManyRequests || allowed != 300 {
		t.Errorf("after %d requests: %d, want 429 after 300", allowed, p.Status)
	}
	if n := s.App.RateLimited(server.LimitAuthorizations); n != 1 {
		t.Errorf("%d refusals counted, want 1", n)
	}
	if p.Header.Get("Retry-After") == "" || !strings.HasPrefix(p.Header.Get("Content-Type"), "text/html") {
		t.Errorf("the refusal is no page that says when to come back: %v", p.Header)
	}
	if p := b.Get("/oauth2/sessions/logout"); p.Status != http.StatusOK {
		t.Errorf("signing out meanwhile: %d", p.Status)
	}
}

// Pending authorization requests are limited per network and in total, by their stored size in
// bytes.
func TestHostilePendingRequestsAreBounded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, map[string]string{
			"trusted_proxies": "127.0.0.0/8", "max_waiting_requests_mib": "3", "max_waiting_requests_per_network_mib": "1",
		})
		large := s.URL + "/oauth2/auth?" + servertest.AuthorizationRequest("state", strings.Repeat("s", 15<<10)).Encode()
		ask := func(from string) servertest.Response {
			t.Helper()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, large, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("X-Forwarded-For", from)
			return servertest.Send(t, s.NewBrowser().Client, r)
		}
		flood := func(from func(i int) string) (kept int, refused servertest.Response) {
			t.Helper()
			for ; kept < 300; kept++ {
				if refused = ask(from(kept)); refused.Status != http.StatusSeeOther {
					break
				}
			}
			return kept, refused
		}
		fits := 1 << 20 / (16 << 10) // at least: each takes less than 16 KiB
		kept, refused := flood(func(int) string { return "192.0.2.1" })
		if kept < fits || kept > fits+4 || refused.Status != http.StatusTooManyRequests || refused.Header.Get("Retry-After") == "" {
			t.Errorf("of one address %d requests were kept, then %d with %v; want %d or some more, then 429", kept, refused.Status, refused.Header, fits)
		}
		if !strings.Contains(refused.Body, `id="error"`) || refused.Header.Get("Location") != "" {
			t.Errorf("the refusal is no page: %s", refused.Body)
		}
		kept, refused = flood(func(i int) string { return fmt.Sprintf("2001:db8:%x::1", i) })
		if kept < 2*fits-4 || kept > 2*fits+8 || refused.Status != http.StatusServiceUnavailable || refused.Header.Get("Retry-After") == "" {
			t.Errorf("of others %d requests were kept, then %d with %v; want %d, then 503", kept, refused.Status, refused.Header, 2*fits)
		}
		purged, err := db.Purge(t.Context(), s.Time().Add(server.RequestLifetime))
		if err != nil || purged.Rows < int64(3*fits-4) {
			t.Errorf("%d rows were purged when the requests expired, %v; want all of them", purged.Rows, err)
		}
		s.Advance(server.RequestLifetime)
		if p := ask("192.0.2.1"); p.Status != http.StatusSeeOther {
			t.Errorf("when the requests have expired: %d", p.Status)
		}
		if network, all := s.App.PendingRefused(); network != 1 || all != 1 {
			t.Errorf("%d and %d refusals counted, want 1 and 1", network, all)
		}
	})
}
