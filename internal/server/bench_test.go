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

// bench is the whole server without a network: a request goes in at the head of
// the public chain, and its answer is kept in memory. It logs as in production, to
// nowhere.
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

// kept is an answer, and the place of the next one.
type kept struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *kept) Header() http.Header         { return a.header }
func (a *kept) WriteHeader(status int)      { a.status = status }
func (a *kept) Write(p []byte) (int, error) { return a.body.Write(p) }

// question is a request that can be sent repeatedly.
type question struct {
	*http.Request
	form string
}

func get(target string) *question {
	return &question{httptest.NewRequest(http.MethodGet, target, nil), ""}
}

// tokenRequest is one of the client web.
func tokenRequest(form url.Values) *question {
	q := &question{httptest.NewRequest(http.MethodPost, "/oauth2/token", nil), form.Encode()}
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	q.SetBasicAuth("web", "web-secret-web-secret-web-secret-")
	return q
}

// ask sends q and leaves the answer in a, which must have the status.
func (s *bench) ask(b *testing.B, q *question, a *kept, status int) {
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
		b.Fatalf("answer %d, want %d: %s", a.status, status, a.body.Bytes())
	}
}

// signedIn asks as a browser in which ada is signed in and has consented.
func (s *bench) signedIn(b *testing.B) *question {
	b.Helper()
	browser := s.NewBrowser()
	browser.Code(servertest.AuthorizationRequest())
	q := get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode())
	place, err := url.Parse(s.URL)
	if err != nil {
		b.Fatal(err)
	}
	for _, cookie := range browser.Client.Jar.Cookies(place) {
		q.AddCookie(cookie)
	}
	return q
}

// code sends the authorization request q and returns the new authorization code.
func (s *bench) code(b *testing.B, q *question, a *kept) string {
	b.Helper()
	s.ask(b, q, a, http.StatusSeeOther)
	return servertest.Response{Header: a.header}.Location().Query().Get("code")
}

// The chain alone, with an empty handler behind it, and what the guards of the
// token endpoint add to it.
func BenchmarkChain(b *testing.B) {
	b.Run("alive", func(b *testing.B) {
		s, a := newBench(b, nil), &kept{}
		q := get("/health/alive")
		for b.Loop() {
			s.ask(b, q, a, http.StatusOK)
		}
	})
	b.Run("refused", func(b *testing.B) {
		s, a := newBench(b, nil), &kept{}
		q := tokenRequest(url.Values{"grant_type": {"none"}})
		q.Header.Set("Content-Type", "text/plain")
		for b.Loop() {
			s.ask(b, q, a, http.StatusUnsupportedMediaType)
		}
	})
}

func BenchmarkDocuments(b *testing.B) {
	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/jwks.json"} {
		b.Run(strings.TrimPrefix(path, "/.well-known/"), func(b *testing.B) {
			s, a := newBench(b, nil), &kept{}
			q := get(path)
			for b.Loop() {
				s.ask(b, q, a, http.StatusOK)
			}
		})
	}
}

func BenchmarkClientCredentials(b *testing.B) {
	for _, kind := range []struct{ key, value string }{
		{"access_token_alg", "ES256"}, {"access_token_alg", "RS256"}, {"access_token_alg", "EdDSA"}, {"access_token_format", "opaque"},
	} {
		b.Run(kind.value, func(b *testing.B) {
			s, a := newBench(b, map[string]string{kind.key: kind.value}), &kept{}
			q := tokenRequest(url.Values{"grant_type": {"client_credentials"}, "scope": {"api"}})
			for b.Loop() {
				s.ask(b, q, a, http.StatusOK)
			}
		})
	}
}

// An assertion is spent in the database, so unlike the others this one writes.
func BenchmarkPrivateKeyJWT(b *testing.B) {
	s, a := newBench(b, nil), &kept{}
	signer := servertest.AddPrivateKeyJWTClient(s.Server)
	for b.Loop() {
		b.StopTimer()
		q := tokenRequest(servertest.PrivateKeyJWTForm(s.Server, signer))
		q.Header.Del("Authorization")
		b.StartTimer()
		s.ask(b, q, a, http.StatusOK)
	}
}

func BenchmarkCodeExchange(b *testing.B) {
	s, a := newBench(b, nil), &kept{}
	q := s.signedIn(b)
	for b.Loop() {
		b.StopTimer()
		exchange := tokenRequest(servertest.CodeExchange(s.code(b, q, a)))
		b.StartTimer()
		s.ask(b, exchange, a, http.StatusOK)
	}
}

func BenchmarkRefresh(b *testing.B) {
	s, a := newBench(b, nil), &kept{}
	s.ask(b, tokenRequest(servertest.CodeExchange(s.code(b, s.signedIn(b), a))), a, http.StatusOK)
	for b.Loop() {
		b.StopTimer()
		got := servertest.Response{Body: a.body.String()}.JSON(b)["refresh_token"]
		refresh := tokenRequest(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {servertest.Text(got)}})
		b.StartTimer()
		s.ask(b, refresh, a, http.StatusOK)
	}
}

func BenchmarkAuthorize(b *testing.B) {
	b.Run("signed in", func(b *testing.B) {
		s, a := newBench(b, nil), &kept{}
		q := s.signedIn(b)
		for b.Loop() {
			s.ask(b, q, a, http.StatusSeeOther)
		}
	})
	b.Run("asked to sign in", func(b *testing.B) {
		s, a := newBench(b, nil), &kept{}
		q := get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode())
		for b.Loop() {
			s.ask(b, q, a, http.StatusSeeOther)
		}
	})
}
