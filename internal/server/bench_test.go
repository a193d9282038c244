package server_test

import (
	"bytes"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// bench is a server without a network: requests go directly to the public handler with its
// middleware, and responses stay in memory. It formats the log as in production and discards it.
type bench struct {
	*servertest.Server
	handler http.Handler
}

func newBench(b *testing.B, settings map[string]string) *bench {
	b.Helper()
	settings = maps.Clone(settings)
	if settings == nil {
		settings = map[string]string{}
	}
	settings["rate_limits"] = "off"
	s := servertest.StartWithLog(b, storetest.New(b), settings, slog.NewJSONHandler(io.Discard, nil)) //nolint:sloglint // the access log is written for each request
	b.ReportAllocs()
	return &bench{s, s.App.Public()}
}

// responseBuffer is an [http.ResponseWriter] that is reused for every response.
type responseBuffer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *responseBuffer) Header() http.Header         { return a.header }
func (a *responseBuffer) WriteHeader(status int)      { a.status = status }
func (a *responseBuffer) Write(p []byte) (int, error) { return a.body.Write(p) }

// repeatableRequest is a request that can be sent repeatedly.
type repeatableRequest struct {
	*http.Request
	form string
}

func get(target string) *repeatableRequest {
	return &repeatableRequest{httptest.NewRequest(http.MethodGet, target, nil), ""}
}

// tokenRequest returns a token request of the client web.
func tokenRequest(form url.Values) *repeatableRequest {
	q := &repeatableRequest{httptest.NewRequest(http.MethodPost, "/oauth2/token", nil), form.Encode()}
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	q.SetBasicAuth("web", "web-secret-web-secret-web-secret-")
	return q
}

// send sends q and stores the response in a. The benchmark stops if it has another status.
func (s *bench) send(b *testing.B, q *repeatableRequest, a *responseBuffer, status int) {
	b.Helper()
	r := *q.Request
	r.Body, r.ContentLength = http.NoBody, 0
	if q.form != "" {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(q.form)), int64(len(q.form))
	}
	if a.header == nil {
		a.header = http.Header{}
	}
	clear(a.header)
	a.body.Reset()
	a.status = http.StatusOK
	s.handler.ServeHTTP(a, &r)
	if a.status != status {
		b.Fatalf("status %d, want %d: %s", a.status, status, a.body.Bytes())
	}
}

// signedInRequest returns an authorization request of a browser in which ada has signed in and consented.
func (s *bench) signedInRequest(b *testing.B) *repeatableRequest {
	b.Helper()
	browser := s.NewBrowser()
	browser.Code(servertest.AuthorizationRequest())
	q := get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode())
	address, err := url.Parse(s.URL)
	if err != nil {
		b.Fatal(err)
	}
	for _, cookie := range browser.Client.Jar.Cookies(address) {
		q.AddCookie(cookie)
	}
	return q
}

// code sends the authorization request q and returns the new authorization code.
func (s *bench) code(b *testing.B, q *repeatableRequest, a *responseBuffer) string {
	b.Helper()
	s.send(b, q, a, http.StatusSeeOther)
	return servertest.Response{Header: a.header}.Location().Query().Get("code")
}

// The middleware chain alone, with a trivial handler, and with a request that the token endpoint rejects
// before it reads the body.
func BenchmarkChain(b *testing.B) {
	b.Run("alive", func(b *testing.B) {
		s, a := newBench(b, nil), &responseBuffer{}
		q := get("/health/alive")
		for b.Loop() {
			s.send(b, q, a, http.StatusOK)
		}
	})
	b.Run("refused", func(b *testing.B) {
		s, a := newBench(b, nil), &responseBuffer{}
		q := tokenRequest(url.Values{"grant_type": {"none"}})
		q.Header.Set("Content-Type", "text/plain")
		for b.Loop() {
			s.send(b, q, a, http.StatusUnsupportedMediaType)
		}
	})
}

func BenchmarkDocuments(b *testing.B) {
	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/jwks.json"} {
		b.Run(strings.TrimPrefix(path, "/.well-known/"), func(b *testing.B) {
			s, a := newBench(b, nil), &responseBuffer{}
			q := get(path)
			for b.Loop() {
				s.send(b, q, a, http.StatusOK)
			}
		})
	}
}

func BenchmarkClientCredentials(b *testing.B) {
	for _, kind := range []struct{ key, value string }{
		{"access_token_alg", "ES256"}, {"access_token_alg", "RS256"}, {"access_token_alg", "EdDSA"}, {"access_token_format", "opaque"},
	} {
		b.Run(kind.value, func(b *testing.B) {
			s, a := newBench(b, map[string]string{kind.key: kind.value}), &responseBuffer{}
			q := tokenRequest(url.Values{"grant_type": {"client_credentials"}, "scope": {"api"}})
			for b.Loop() {
				s.send(b, q, a, http.StatusOK)
			}
		})
	}
}

// The server stores the jti of an assertion, so unlike other client credentials requests it writes.
func BenchmarkPrivateKeyJWT(b *testing.B) {
	s, a := newBench(b, nil), &responseBuffer{}
	signer := servertest.AddPrivateKeyJWTClient(s.Server)
	for b.Loop() {
		b.StopTimer()
		q := tokenRequest(servertest.PrivateKeyJWTForm(s.Server, signer))
		q.Header.Del("Authorization")
		b.StartTimer()
		s.send(b, q, a, http.StatusOK)
	}
}

func BenchmarkCodeExchange(b *testing.B) {
	s, a := newBench(b, nil), &responseBuffer{}
	q := s.signedInRequest(b)
	for b.Loop() {
		b.StopTimer()
		exchange := tokenRequest(servertest.CodeExchange(s.code(b, q, a)))
		b.StartTimer()
		s.send(b, exchange, a, http.StatusOK)
	}
}

func BenchmarkRefresh(b *testing.B) {
	s, a := newBench(b, nil), &responseBuffer{}
	s.send(b, tokenRequest(servertest.CodeExchange(s.code(b, s.signedInRequest(b), a))), a, http.StatusOK)
	for b.Loop() {
		b.StopTimer()
		got := servertest.Response{Body: a.body.String()}.JSON(b)["refresh_token"]
		refresh := tokenRequest(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {servertest.Text(got)}})
		b.StartTimer()
		s.send(b, refresh, a, http.StatusOK)
	}
}

func BenchmarkAuthorize(b *testing.B) {
	b.Run("signed in", func(b *testing.B) {
		s, a := newBench(b, nil), &responseBuffer{}
		q := s.signedInRequest(b)
		for b.Loop() {
			s.send(b, q, a, http.StatusSeeOther)
		}
	})
	b.Run("asked to sign in", func(b *testing.B) {
		s, a := newBench(b, nil), &responseBuffer{}
		q := get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode())
		for b.Loop() {
			s.send(b, q, a, http.StatusSeeOther)
		}
	})
}
