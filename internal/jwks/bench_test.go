package jwks

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// claims are about as long as those of an access token.
var claims = []byte(`{"iss":"https://op.example","sub":"` + strings.Repeat("s", 300) + `"}`)

func BenchmarkSign(b *testing.B) {
	m, _, _ := started(b, allAlgorithms()...)
	for _, alg := range allAlgorithms() {
		b.Run(string(alg), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Sign(b.Context(), alg, "at+jwt", claims); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	m, _, _ := started(b, allAlgorithms()...)
	for _, alg := range allAlgorithms() {
		token, err := m.Sign(b.Context(), alg, "at+jwt", claims)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(string(alg), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.verifySignature(forToken, token); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(string(alg)+" again", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := m.Verify(token, "at+jwt"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkKeySet(b *testing.B) {
	m, _, _ := started(b, EdDSA)
	b.ReportAllocs()
	for b.Loop() {
		if body, _, _ := m.KeySet(); len(body) == 0 {
			b.Fatal("no key set")
		}
	}
}

func BenchmarkHandler(b *testing.B) {
	m, _, _ := started(b, allAlgorithms()...)
	h := m.Handler()
	for name, tag := range map[string]string{"whole": "", "not modified": etagOf(m)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodGet, "/.well-known/jwks.json", nil)
				r.Header.Set("If-None-Match", tag)
				h.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}

func etagOf(m *Manager) string {
	_, etag, _ := m.KeySet()
	return etag
}
