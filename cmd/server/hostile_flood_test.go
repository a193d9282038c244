package main

import (
	"net/http"
	"strings"
	"testing"

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
	if p := b.get("/oauth2/auth?" + asking("state", long[:15<<10]).Encode()); p.location().Path != "/login" {
		t.Errorf("15 KiB: %d to %q, want the sign-in page", p.status, p.location().Path)
	}

	allowed := 3
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
