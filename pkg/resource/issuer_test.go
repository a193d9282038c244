package resource_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/ostiary/ostiary/pkg/resource"
)

const (
	issuerID = "https://id.example"
	api      = "https://api.example/orders"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

type members = map[string]any

// with returns base with changes. A nil value removes the member.
func with(base, changes members) members {
	changed := maps.Clone(base)
	maps.Copy(changed, changes)
	maps.DeleteFunc(changed, func(_ string, value any) bool { return value == nil })
	return changed
}

// signer is a private key.
type signer struct {
	kid string
	key *ecdsa.PrivateKey
}

func newSigner(tb testing.TB, kid string) signer {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return signer{kid, key}
}

func (s signer) public() jose.JSONWebKey {
	return jose.JSONWebKey{Key: s.key.Public(), KeyID: s.kid, Algorithm: "ES256", Use: "sig"}
}

func (s signer) thumbprint(tb testing.TB) string {
	tb.Helper()
	key := s.public()
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		tb.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

// sign returns a JWT; typ, kid and other members of the header are those of header.
func (s signer) sign(tb testing.TB, header, claims members) string {
	tb.Helper()
	options := &jose.SignerOptions{}
	for name, value := range header {
		options.WithHeader(jose.HeaderKey(name), value)
	}
	made, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: s.key}, options)
	if err != nil {
		tb.Fatal(err)
	}
	token, err := jwt.Signed(made).Claims(claims).Serialize()
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

// encode returns the base64url of JSON.
func encode(tb testing.TB, value any) string {
	tb.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		tb.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// claims are those of a token for the API at noon.
func claims() members {
	return members{
		"iss": issuerID, "sub": "ada", "client_id": "shop", "aud": api, "jti": rand.Text(), "iat": noon.Unix(), "exp": noon.Add(10 * time.Minute).Unix(),
		"scope": "orders:read orders:write", "auth_time": noon.Add(-time.Minute).Unix(), "acr": "1", "amr": []string{"pwd"},
	}
}

// token returns a signed token with changed claims.
func (s signer) token(tb testing.TB, changes members) string {
	tb.Helper()
	return s.sign(tb, members{"typ": "at+jwt", "kid": s.kid}, with(claims(), changes))
}

// proof returns a DPoP proof at noon for a GET of the API with a token.
func (s signer) proof(tb testing.TB, token string, changes members) string {
	tb.Helper()
	sum := sha256.Sum256([]byte(token))
	return s.sign(tb, members{"typ": "dpop+jwt", "jwk": jose.JSONWebKey{Key: s.key.Public()}}, with(members{
		"jti": rand.Text(), "htm": http.MethodGet, "htu": api, "iat": noon.Unix(), "ath": base64.RawURLEncoding.EncodeToString(sum[:]),
	}, changes))
}

// issuer is an authorization server without a network. It counts requests by path.
type issuer struct {
	mu     sync.Mutex
	keys   []jose.JSONWebKey
	down   bool
	wait   chan struct{} // requests wait for it unless it is nil
	inform func(*http.Request) members
	count  map[string]int
}

func (i *issuer) requests(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.count[path]
}

func (i *issuer) set(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
}

// RoundTrip implements [http.RoundTripper].
func (i *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	i.mu.Lock()
	if i.count == nil {
		i.count = map[string]int{}
	}
	i.count[r.URL.Path]++
	down, wait, keys := i.down, i.wait, i.keys
	i.mu.Unlock()
	if wait != nil {
		<-wait
	}
	w := httptest.NewRecorder()
	var body any
	switch {
	case down:
		return nil, errors.New("connection refused")
	case r.URL.Host != "id.example":
		w.WriteHeader(http.StatusNotFound)
	case r.URL.Path == "/.well-known/oauth-authorization-server":
		body = members{"issuer": issuerID, "jwks_uri": issuerID + "/keys", "introspection_endpoint": issuerID + "/introspect"}
	case r.URL.Path == "/keys":
		body = members{"keys": append([]any{members{"kty": "unknown"}}, anys(keys)...)}
	case r.URL.Path == "/introspect":
		if err := r.ParseForm(); err != nil {
			return nil, err
		}
		if body = i.inform(r); body.(members) == nil {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}
	if err := json.NewEncoder(w).Encode(body); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

func anys[T any](list []T) (all []any) {
	for _, one := range list {
		all = append(all, one)
	}
	return all
}

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func newClock() *clock { return &clock{at: noon} }

func newJWT(tb testing.TB, i *issuer, at *clock) *resource.JWT {
	tb.Helper()
	tokens, err := resource.NewJWT(resource.JWTConfig{Issuer: issuerID, HTTPClient: &http.Client{Transport: i}, Now: at.now})
	if err != nil {
		tb.Fatal(err)
	}
	return tokens
}

func newServer(tb testing.TB, c resource.Config) *resource.Server {
	tb.Helper()
	if c.Resource == "" {
		c.Resource = api
	}
	s, err := resource.New(c)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// get calls a handler that requires need, with headers in pairs.
func get(tb testing.TB, s *resource.Server, need resource.Need, target string, headers ...string) *httptest.ResponseRecorder {
	tb.Helper()
	handler := s.Require(need)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(resource.TokenOf(r.Context()).Subject))
	}))
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodGet, target, nil)
	r.Host = "internal.example" // never used
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	if w.Code != http.StatusOK && strings.Contains(w.Body.String(), "ada") {
		tb.Errorf("%d with the content: %s", w.Code, w.Body)
	}
	return w
}
