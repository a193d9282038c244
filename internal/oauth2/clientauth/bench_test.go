package clientauth

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/client"
)

// fresh takes every value for a new one, so that one assertion lasts a benchmark.
type fresh struct{}

func (fresh) ClaimOnce(context.Context, string, string, string, time.Time, time.Time) (bool, error) {
	return true, nil
}

// parsed gives keys without decoding them, as a cache does.
type parsed []jose.JSONWebKey

func (p parsed) Keys(context.Context, *client.Client, string) ([]jose.JSONWebKey, error) {
	return p, nil
}

func BenchmarkAuthenticate(b *testing.B) {
	a := newAuthenticator(
		withSecret(b, "basic", client.AuthBasic, longSecret),
		withSecret(b, "post", client.AuthPost, longSecret),
		withKeys(b, "signer"),
		public("app"),
	)
	a.cfg.Replay = fresh{}
	a.cfg.KeySets = parsed{ecJWK(0), rsaJWK(0), edJWK(0)}
	signed := func(key any, alg string) *http.Request {
		return asserting(sign(b, key, alg, goodHeader(with("alg", alg)), goodClaims(nil)))
	}
	_, sharing := withMAC(b, longSecret, "")
	sharing.cfg.Replay = fresh{}
	for _, bench := range []struct {
		name    string
		request *http.Request
	}{
		{"client_secret_basic", basic(form(), "basic", longSecret)},
		{"client_secret_post", form("client_id", "post", "client_secret", longSecret)},
		{"none", form("client_id", "app")},
		{"client_secret_jwt/HS256", asserting(mac("HS256", longSecret, nil, nil))},
		{"private_key_jwt/RS256", signed(rsaKeys[0](), "RS256")},
		{"private_key_jwt/PS256", signed(rsaKeys[0](), "PS256")},
		{"private_key_jwt/ES256", signed(ecKeys[0](), "ES256")},
		{"private_key_jwt/EdDSA", signed(edKeys[0](), "EdDSA")},
	} {
		b.Run(bench.name, func(b *testing.B) {
			a := a
			if strings.HasPrefix(bench.name, client.AuthSecretJWT) {
				a = sharing
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := a.Authenticate(b.Context(), bench.request); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
