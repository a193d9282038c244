package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// What nobody in particular can make us keep is bounded, in size and in number.
func TestHostileFloodsOfAuthorizationRequests(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), map[string]string{"max_redirect_url_length": "65536"})
	b := s.browser()
	long := strings.Repeat("s", 16<<10)
	for name, p := range map[string]reply{
		"by GET":  b.get("/oauth2/auth?" + asking("state", long).Encode()),
		"by POST": b.post("/oauth2/auth", asking("state", long)),
	} {
		if q := p.location().Query(); q.Get("error") != "invalid_request" || q.Get("state") != long {
			t.Errorf("%s: %d with %q, want invalid_request for the client", name, p.status, q.Get("error"))
		}
	}
	// What is kept is counted as it is kept, which is encoded.
	if q := b.get("/oauth2/auth?" + asking("state", strings.Repeat("%", 8<<10)).Encode()).location().Query(); q.Get("error") != "invalid_request" {
		t.Errorf("24 KiB once encoded: %v, want invalid_request for the client", q)
	}
	if p := b.get("/oauth2/auth?" + asking("state", long[:15<<10]).Encode()); p.location().Path != "/login" {
		t.Errorf("15 KiB: %d to %q, want the sign-in page", p.status, p.location().Path)
	}

	allowed := 4
	p := b.get("/oauth2/auth")
	for ; p.status == http.StatusBadRequest && allowed < 1000; p = b.get("/oauth2/auth") {
		allowed++
	}
	if p.status != http.StatusTooManyRequests || allowed != 300 {
		t.Errorf("after %d requests: %d, want 429 after 300", allowed, p.status)
	}
	if n := s.limited[limitAuthorizations].Load(); n != 1 {
		t.Errorf("%d refusals counted, want 1", n)
	}
	if p.header.Get("Retry-After") == "" || !strings.HasPrefix(p.header.Get("Content-Type"), "text/html") {
		t.Errorf("the refusal is no page that says when to come back: %v", p.header)
	}
	if p := b.get("/oauth2/sessions/logout"); p.status != http.StatusOK {
		t.Errorf("signing out meanwhile: %d", p.status)
	}
}

// What waits for an answer is bounded for each network and altogether, in bytes as they
// are kept.
func TestHostileWaitingRequestsAreBounded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := start(t, db, map[string]string{
			"trusted_proxies": "127.0.0.0/8", "max_waiting_requests_mib": "3", "max_waiting_requests_per_network_mib": "1",
		})
		large := s.url + "/oauth2/auth?" + asking("state", strings.Repeat("s", 15<<10)).Encode()
		ask := func(from string) reply {
			t.Helper()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, large, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("X-Forwarded-For", from)
			return send(t, s.browser().client, r)
		}
		flood := func(from func(i int) string) (kept int, refused reply) {
			t.Helper()
			for ; kept < 300; kept++ {
				if refused = ask(from(kept)); refused.status != http.StatusSeeOther {
					break
				}
			}
			return kept, refused
		}
		fits := 1 << 20 / (16 << 10) // and some more, since each takes less than 16 KiB
		kept, refused := flood(func(int) string { return "192.0.2.1" })
		if kept < fits || kept > fits+4 || refused.status != http.StatusTooManyRequests || refused.header.Get("Retry-After") == "" {
			t.Errorf("of one address %d requests were kept, then %d with %v; want %d or some more, then 429", kept, refused.status, refused.header, fits)
		}
		if !strings.Contains(refused.body, `id="error"`) || refused.header.Get("Location") != "" {
			t.Errorf("the refusal is no page: %s", refused.body)
		}
		kept, refused = flood(func(i int) string { return fmt.Sprintf("2001:db8:%x::1", i) })
		if kept < 2*fits-4 || kept > 2*fits+8 || refused.status != http.StatusServiceUnavailable || refused.header.Get("Retry-After") == "" {
			t.Errorf("of others %d requests were kept, then %d with %v; want %d, then 503", kept, refused.status, refused.header, 2*fits)
		}
		purged, err := db.Purge(t.Context(), s.time().Add(requestLifetime))
		if err != nil || purged.Rows < int64(3*fits-4) {
			t.Errorf("%d rows were purged when the requests expired, %v; want all of them", purged.Rows, err)
		}
		s.pass(requestLifetime)
		if p := ask("192.0.2.1"); p.status != http.StatusSeeOther {
			t.Errorf("when the requests have expired: %d", p.status)
		}
		if network, all := s.waiting.stock.RefusedNetwork(), s.waiting.stock.RefusedAll(); network != 1 || all != 1 {
			t.Errorf("%d and %d refusals counted, want 1 and 1", network, all)
		}
	})
}
