package oauth2_test

import (
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/pkg/resource"
)

// A replica with stale keys returns 503 for a token with an unknown kid, and neither rejects it
// nor reports it as inactive.
func TestHostileStaleKeysAreUnavailable(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	s := servertest.Start(t, db, nil)
	got := s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest()))
	unknown := func(token any) string {
		_, rest, _ := strings.Cut(servertest.Text(token), ".")
		typ := map[bool]string{true: "JWT", false: "at+jwt"}[token == got["id_token"]]
		header := `{"alg":"ES256","kid":"one that came meanwhile","typ":"` + typ + `"}`
		return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + rest
	}

	lost := storetest.New(t)
	keys, err := server.NewKeys(s.Config, lost, s.App.Secrets, slog.New(slog.DiscardHandler), s.Time)
	if err != nil {
		t.Fatal(err)
	}
	if err := keys.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	lost.Close()
	s.Advance(2 * time.Hour)
	endpoints := s.App.OAuth2
	endpoints.Authorize.Requests.Hints, endpoints.AccessTokens.Verifier = keys, keys
	ask := func(endpoint http.Handler, method, path string, values map[string]string) servertest.Response {
		r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
		r.Form = servertest.AuthorizationRequest()
		r.PostForm = r.Form
		for name, value := range values {
			r.Form.Set(name, value)
		}
		w := httptest.NewRecorder()
		endpoint.ServeHTTP(w, r)
		return servertest.Response{Status: w.Code, Header: w.Header(), Body: w.Body.String()}
	}
	for name, p := range map[string]servertest.Response{
		"hint": ask(endpoints.Authorize, "GET", "/oauth2/auth", map[string]string{"id_token_hint": unknown(got["id_token"])}),
		"introspect": ask(endpoints.Introspection, "POST", "/oauth2/introspect", map[string]string{
			"client_id": "post", "client_secret": servertest.PostSecret, "token": unknown(got["access_token"]),
		}),
		"revoke": ask(endpoints.Revocation, "POST", "/oauth2/revoke", map[string]string{
			"client_id": "post", "client_secret": servertest.PostSecret, "token": unknown(got["access_token"]),
		}),
	} {
		if p.Status != http.StatusServiceUnavailable || p.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %d with Retry-After %q to %q, want 503\n%s", name, p.Status, p.Header.Get("Retry-After"), p.Header.Get("Location"), p.Body)
		}
	}
	if _, err := endpoints.AccessTokens.Lookup(t.Context(), unknown(got["access_token"])); err == nil || errors.Is(err, resource.ErrInactive) {
		t.Errorf("userinfo's question is answered with %v", err)
	}
}
