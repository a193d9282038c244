package admin_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// An operator registers http redirect URIs of internal hosts and any post-logout redirect URI.
func TestOperatorMayAllowHTTPRedirects(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.StartWithApps(t, db, map[string]string{"login_url": "", "consent_url": "", "rate_limits": "off"})
		const inside, secret = "http://grafana.internal:3000/login/generic_oauth", "grafana-secret-grafana-secret-gr"
		members := func(more string) string {
			return `{"client_id":"grafana","client_secret":"` + secret + `","skip_consent":true,"scope":"openid","redirect_uris":["` + inside + `"],
				"post_logout_redirect_uris":["http://grafana.internal:3000/signed-out","https://www.example.com/","com.example.app:/bye","http://localhost:9/bye"]` + more + `}`
		}
		refused := s.CallAdmin(http.MethodPost, "/clients", members(""))
		servertest.WantError(t, refused, http.StatusBadRequest, "invalid_redirect_uri")
		servertest.Contains(t, refused.Body, "allow_http_redirects")
		if made := s.CreateClient(members(`,"allow_http_redirects":true`)); made["allow_http_redirects"] != true {
			t.Errorf("made: %v", made)
		}
		s.Advance(time.Minute)

		b := s.NewBrowser()
		for _, after := range []string{"http://grafana.internal:3000/signed-out", "https://www.example.com/", "com.example.app:/bye", "http://localhost:9/bye"} {
			p := b.Authorize(servertest.AuthorizationRequest("client_id", "grafana", "redirect_uri", inside, "scope", "openid"))
			if !strings.HasPrefix(p.Header.Get("Location"), inside+"?") {
				t.Fatalf("the answer goes to %q", p.Header.Get("Location"))
			}
			hint := servertest.ExchangeForIDToken(t, s.Server, "grafana", secret, p.Location().Query().Get("code"))
			p = b.Get("/oauth2/sessions/logout?" + url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {after}, "state": {"x"}}.Encode())
			if p.Header.Get("Location") != after+"?state=x" {
				t.Errorf("after signing out: %d to %q, want %s", p.Status, p.Header.Get("Location"), after)
			}
		}
		// Redirect URIs are compared byte for byte.
		p := b.Get("/oauth2/sessions/logout?" + url.Values{"client_id": {"grafana"}, "post_logout_redirect_uri": {"https://www.example.com"}}.Encode())
		if p.Status < 400 || p.Header.Get("Location") != "" {
			t.Errorf("an address that is not registered: %d to %q", p.Status, p.Header.Get("Location"))
		}
		// PUT resets absent members, so the redirect URIs are rejected.
		servertest.WantError(t, s.CallAdmin(http.MethodPut, "/clients/grafana", members("")), http.StatusBadRequest, "invalid_redirect_uri")
	})
}
