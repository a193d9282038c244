package middleware_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/middleware"
)

func BenchmarkForm(b *testing.B) {
	h := middleware.Form(tokenRule())(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	body := url.Values{
		"grant_type": {"authorization_code"}, "code": {strings.Repeat("c", 120)}, "client_id": {"web"},
		"redirect_uri": {"https://rp.example.com/callback"}, "code_verifier": {strings.Repeat("v", 43)},
	}.Encode()
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/oauth2/token", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
}
