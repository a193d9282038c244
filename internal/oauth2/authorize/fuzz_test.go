package authorize_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// FuzzAuthorizeQuery tests promises 6 and 7 for the authorization endpoint: a query never makes
// it fail, and it redirects only to pages of this server and to registered URIs.
func FuzzAuthorizeQuery(f *testing.F) {
	for _, form := range []url.Values{
		servertest.AuthorizationRequest(), servertest.AuthorizationRequest("response_mode", "form_post"), servertest.AuthorizationRequest("response_mode", "fragment", "response_type", "token"),
		servertest.AuthorizationRequest("redirect_uri", "http://evil@127.0.0.1/cb"), servertest.AuthorizationRequest("client_id", "app", "redirect_uri", "http://127.0.0.1:8/cb"),
		servertest.AuthorizationRequest("claims", `{"id_token":{"acr":{"essential":true,"value":"x"}}}`), servertest.AuthorizationRequest("max_age", "9223372036854775808"),
		servertest.AuthorizationRequest("prompt", "none"), servertest.AuthorizationRequest("request", "a.b.c"),
		servertest.AuthorizationRequest("client_id", "legacy", "response_type", "id_token token"), servertest.AuthorizationRequest("client_id", "legacy", "response_type", "token id_token code", "response_mode", "query"),
		servertest.AuthorizationRequest("client_id", "legacy", "response_type", "code id_token", "response_mode", "form_post", "nonce", ""),
		{"continue": {"0123456789abcdef0123456789abcdef"}},
	} {
		f.Add(form.Encode())
	}
	f.Add("client_id=web&client_id=app")
	f.Add("client_id=web%00&redirect_uri=%ff")
	s := servertest.Start(f, storetest.New(f), servertest.LegacySettings())
	s.ImportClient(servertest.LegacyClient("legacy", ""))
	handler := s.App.Public()
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/oauth2/auth", nil)
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code >= http.StatusInternalServerError {
			t.Errorf("%q: %d %s", query, w.Code, w.Body)
		}
		to := w.Header().Get("Location")
		for _, allowed := range []string{
			s.URL + "/login?request=", servertest.RedirectURI, "https://client.example/other?", "https://client.example/other#",
			"http://127.0.0.1/cb?", "http://127.0.0.1/cb#", "http://127.0.0.1:", "com.example.app:/cb",
		} {
			if to == "" || strings.HasPrefix(to, allowed) {
				return
			}
		}
		t.Errorf("%q redirects to %q", query, to)
	})
}
