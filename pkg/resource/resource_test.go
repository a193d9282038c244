package resource_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/pkg/resource"
)

// fixture is a resource with signed tokens.
type fixture struct {
	issuer *issuer
	clock  *clock
	key    signer // of the issuer
	config resource.Config
}

func newFixture(tb testing.TB) *fixture {
	tb.Helper()
	f := &fixture{key: newSigner(tb, "one"), clock: newClock()}
	f.issuer = &issuer{keys: []jose.JSONWebKey{f.key.public()}}
	f.config = resource.Config{Tokens: newJWT(tb, f.issuer, f.clock), AuthorizationServers: []string{issuerID}, Now: f.clock.now}
	return f
}

// Each row is a token that is not an access token of the issuer for the resource.
//
// Spec: RFC 9068 §4, RFC 8725 §3.
func TestWrongTokens(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s, stranger := newServer(t, f.config), newSigner(t, "one")
	good := f.key.token(t, nil)
	header := func(changes members) string {
		return f.key.sign(t, with(members{"typ": "at+jwt", "kid": "one"}, changes), claims())
	}
	unsigned := func(alg string) string {
		return encode(t, members{"typ": "at+jwt", "kid": "one", "alg": alg}) + "." + encode(t, claims()) + "."
	}
	public, err := json.Marshal(f.key.public())
	if err != nil {
		t.Fatal(err)
	}
	mac, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: public}, (&jose.SignerOptions{}).WithType("at+jwt").WithHeader("kid", "one"))
	if err != nil {
		t.Fatal(err)
	}
	forged, err := mac.Sign(mustJSON(t, claims()))
	if err != nil {
		t.Fatal(err)
	}
	hs256, err := forged.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(good, ".")
	twice := parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"ada",`+strings.TrimPrefix(string(mustJSON(t, claims())), "{"))) + "." + parts[2]
	for name, token := range map[string]string{
		"not a JWT":                 "abc",
		"alg none":                  unsigned("none"),
		"alg none, in another case": unsigned("nOnE"),
		"no signature":              unsigned("ES256"),
		"HS256 with the public key": hs256,
		"an algorithm not accepted": strings.Replace(good, parts[0], encode(t, members{"typ": "at+jwt", "kid": "one", "alg": "ES384"}), 1),
		"another key, the same kid": stranger.token(t, nil),
		"another key in jwk":        stranger.sign(t, members{"typ": "at+jwt", "kid": "one", "jwk": stranger.public()}, claims()),
		"a key at jku":              stranger.sign(t, members{"typ": "at+jwt", "kid": "two", "jku": "https://evil.example/keys"}, claims()),
		"changed claims":            parts[0] + "." + encode(t, with(claims(), members{"sub": "eve"})) + "." + parts[2],
		"repeated claims":           twice,
		"no typ":                    header(members{"typ": nil}),
		"typ of an ID token":        header(members{"typ": "JWT"}),
		"typ of a proof":            header(members{"typ": "dpop+jwt"}),
		"typ of introspection":      header(members{"typ": "token-introspection+jwt"}),
		"crit":                      header(members{"crit": []string{"b64"}}),
		"another issuer":            f.key.token(t, members{"iss": "https://other.example"}),
		"the issuer with a slash":   f.key.token(t, members{"iss": issuerID + "/"}),
		"no issuer":                 f.key.token(t, members{"iss": nil}),
		"another audience":          f.key.token(t, members{"aud": "https://api.example"}),
		"a longer audience":         f.key.token(t, members{"aud": []string{api + "/1", "shop"}}),
		"no audience":               f.key.token(t, members{"aud": nil}),
		"an audience of objects":    f.key.token(t, members{"aud": []any{members{}, api}}),
		"expired":                   f.key.token(t, members{"exp": noon.Unix()}),
		"no exp":                    f.key.token(t, members{"exp": nil}),
		"exp as text":               f.key.token(t, members{"exp": "9999999999"}),
		"issued in a minute":        f.key.token(t, members{"iat": noon.Unix() + 60}),
		"valid in a minute":         f.key.token(t, members{"nbf": noon.Unix() + 60}),
		"no iat":                    f.key.token(t, members{"iat": nil}),
		"no sub":                    f.key.token(t, members{"sub": nil}),
		"sub is a number":           f.key.token(t, members{"sub": 1}),
		"no client_id":              f.key.token(t, members{"client_id": nil}),
		"no jti":                    f.key.token(t, members{"jti": nil}),
		"scopes as an object":       f.key.token(t, members{"scope": members{"orders:read": true}}),
		"another binding":           f.key.token(t, members{"cnf": members{"jwk": members{}}}),
		"a binding of two kinds":    f.key.token(t, members{"cnf": members{"jkt": "x", "x5u": "https://a.example"}}),
		"an empty binding":          f.key.token(t, members{"cnf": members{}}),
		"a binding that is a text":  f.key.token(t, members{"cnf": "x"}),
		"jkt is not a text":         f.key.token(t, members{"cnf": members{"jkt": 1}}),
		"17 KiB":                    f.key.token(t, members{"x": strings.Repeat("x", 17<<10)}),
	} {
		w := get(t, s, resource.Need{}, api, "Authorization", "Bearer "+token)
		challenge := w.Header().Get("WWW-Authenticate")
		if w.Code != http.StatusUnauthorized || !strings.Contains(challenge, `error="invalid_token"`) ||
			!strings.Contains(challenge, `resource_metadata="https://api.example/.well-known/oauth-protected-resource/orders"`) {
			t.Errorf("%s: %d %s", name, w.Code, challenge)
		}
	}
	for name, token := range map[string]string{
		"good":              good,
		"typ in upper case": header(members{"typ": "AT+JWT"}),
		"the media type":    header(members{"typ": "application/at+jwt"}),
		"no kid":            header(members{"kid": nil}),
		"two audiences":     f.key.token(t, members{"aud": []string{"https://other.example", api}}),
		"a clock ahead":     f.key.token(t, members{"iat": noon.Unix() + 10, "nbf": noon.Unix() + 10}),
		"scopes in scp":     f.key.token(t, members{"scope": nil, "scp": []string{"orders:read"}}),
	} {
		if w := get(t, s, resource.Need{Scopes: []string{"orders:read"}}, api, "Authorization", "Bearer "+token); w.Code != http.StatusOK || w.Body.String() != "ada" {
			t.Errorf("%s: %d %s", name, w.Code, w.Header().Get("WWW-Authenticate"))
		}
	}
}

func mustJSON(tb testing.TB, value any) []byte {
	tb.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// Each row is a request that presents a good token in a wrong way.
//
// Spec: RFC 6750 §2, §3.1, RFC 9449 §7.1, §7.2.
func TestWrongRequests(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := newServer(t, f.config)
	key, other := newSigner(t, ""), newSigner(t, "")
	bearer, bound := f.key.token(t, nil), f.key.token(t, members{"cnf": members{"jkt": key.thumbprint(t)}})
	used := key.proof(t, bound, nil)
	if w := get(t, s, resource.Need{}, api+"?page=2", "Authorization", "dPOP "+bound, "DPoP", used); w.Code != http.StatusOK {
		t.Fatalf("a bound token: %d %s", w.Code, w.Header().Get("WWW-Authenticate"))
	}
	proof := func(changes members) []string {
		return []string{"Authorization", "DPoP " + bound, "DPoP", key.proof(t, bound, changes)}
	}
	for name, tc := range map[string]struct {
		target  string
		headers []string
		status  int
		want    string // in the challenge
	}{
		"no token":                     {api, nil, 401, `Bearer resource_metadata=`},
		"another scheme":               {api, []string{"Authorization", "Basic YTpi"}, 401, `Bearer resource_metadata=`},
		"in the query":                 {api + "?access_token=" + bearer, nil, 400, `error="invalid_request"`},
		"in the query and the header":  {api + "?access_token=x", []string{"Authorization", "Bearer " + bearer}, 400, `error="invalid_request"`},
		"two headers":                  {api, []string{"Authorization", "Bearer " + bearer, "Authorization", "Bearer " + bearer}, 400, `error="invalid_request"`},
		"bound, as a bearer token":     {api, []string{"Authorization", "Bearer " + bound}, 401, `DPoP resource_metadata=`},
		"bound, as bearer, with proof": {api, []string{"Authorization", "Bearer " + bound, "DPoP", key.proof(t, bound, nil)}, 401, `error="invalid_token"`},
		"bearer, as a bound token":     {api, []string{"Authorization", "DPoP " + bearer, "DPoP", key.proof(t, bearer, nil)}, 401, `error="invalid_token"`},
		"no proof":                     {api, []string{"Authorization", "DPoP " + bound}, 401, `error="invalid_dpop_proof"`},
		"two proofs":                   {api, append(proof(nil), "DPoP", key.proof(t, bound, nil)), 401, `error="invalid_dpop_proof"`},
		"a used proof":                 {api, []string{"Authorization", "DPoP " + bound, "DPoP", used}, 401, `error="invalid_dpop_proof"`},
		"another key":                  {api, []string{"Authorization", "DPoP " + bound, "DPoP", other.proof(t, bound, nil)}, 401, `error="invalid_token"`},
		"another token":                {api, []string{"Authorization", "DPoP " + bound, "DPoP", key.proof(t, bearer, nil)}, 401, `error="invalid_dpop_proof"`},
		"no ath":                       {api, proof(members{"ath": nil}), 401, `error="invalid_dpop_proof"`},
		"another method":               {api, proof(members{"htm": "POST"}), 401, `error="invalid_dpop_proof"`},
		"the Host header":              {api, proof(members{"htu": "https://internal.example/orders"}), 401, `error="invalid_dpop_proof"`},
		"another host":                 {api, proof(members{"htu": "https://api.example.org/orders"}), 401, `error="invalid_dpop_proof"`},
		"another port":                 {api, proof(members{"htu": "https://api.example:8443/orders"}), 401, `error="invalid_dpop_proof"`},
		"http":                         {api, proof(members{"htu": "http://api.example/orders"}), 401, `error="invalid_dpop_proof"`},
		"another path":                 {api, proof(members{"htu": api + "/1"}), 401, `error="invalid_dpop_proof"`},
		"a path in another case":       {api, proof(members{"htu": "https://api.example/Orders"}), 401, `error="invalid_dpop_proof"`},
		"61 s old":                     {api, proof(members{"iat": noon.Unix() - 61}), 401, `error="invalid_dpop_proof"`},
		"11 s ahead":                   {api, proof(members{"iat": noon.Unix() + 11}), 401, `error="invalid_dpop_proof"`},
	} {
		w := get(t, s, resource.Need{}, tc.target, tc.headers...)
		challenge := w.Header().Get("WWW-Authenticate")
		if w.Code != tc.status || !strings.Contains(challenge, tc.want) {
			t.Errorf("%s: %d %s, want %d with %s", name, w.Code, challenge, tc.status, tc.want)
		}
		var body map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body["error"] == "" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v %s", name, w.Header(), w.Body)
		}
	}
	if w := get(t, s, resource.Need{}, api, proof(members{"htu": "HTTPS://API.EXAMPLE:443/orders?a=b#c"})...); w.Code != http.StatusOK {
		t.Errorf("htu in another form: %d", w.Code)
	}
	f.config.RequireBinding = true
	if w := get(t, newServer(t, f.config), resource.Need{}, api, "Authorization", "Bearer "+bearer); w.Code != http.StatusUnauthorized {
		t.Errorf("a bearer token where tokens must be bound: %d", w.Code)
	}
}

// Nonces are checked at replicas with the same keys, also after a rotation.
//
// Spec: RFC 9449 §9.
func TestNonces(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := newSigner(t, "")
	token := f.key.token(t, members{"cnf": members{"jkt": key.thumbprint(t)}})
	one, two := []byte(strings.Repeat("1", 32)), []byte(strings.Repeat("2", 32))
	f.config.NonceKeys = [][]byte{one}
	s := newServer(t, f.config)
	f.config.NonceKeys = [][]byte{two, one}
	replica := newServer(t, f.config)
	w := get(t, s, resource.Need{}, api, "Authorization", "DPoP "+token, "DPoP", key.proof(t, token, nil))
	nonce := w.Header().Get("DPoP-Nonce")
	if challenge := w.Header().Get("WWW-Authenticate"); w.Code != http.StatusUnauthorized || nonce == "" || !strings.HasPrefix(challenge, "DPoP ") || !strings.Contains(challenge, `error="use_dpop_nonce"`) {
		t.Fatalf("without a nonce: %d %s", w.Code, challenge)
	}
	for name, at := range map[string]*resource.Server{"here": s, "at a replica": replica} {
		w := get(t, at, resource.Need{}, api, "Authorization", "DPoP "+token, "DPoP", key.proof(t, token, members{"nonce": nonce}))
		if w.Code != http.StatusOK || w.Header().Get("DPoP-Nonce") == "" {
			t.Errorf("%s: %d %s", name, w.Code, w.Header().Get("WWW-Authenticate"))
		}
	}
	f.config.RequiresNonce = func(_ context.Context, token *resource.Token) (bool, error) { return token.ClientID != "shop", nil }
	if w := get(t, newServer(t, f.config), resource.Need{}, api, "Authorization", "DPoP "+token, "DPoP", key.proof(t, token, nil)); w.Code != http.StatusOK {
		t.Errorf("a client that needs none: %d", w.Code)
	}
}

// newCertificate returns a certificate and its thumbprint.
func newCertificate(tb testing.TB) (*x509.Certificate, string) {
	tb.Helper()
	key := newSigner(tb, "").key
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "client"}, NotAfter: noon.Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	sum := sha256.Sum256(der)
	return certificate, base64.RawURLEncoding.EncodeToString(sum[:])
}

// Spec: RFC 8705 §3.
func TestCertificateBoundTokens(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	mine, thumbprint := newCertificate(t)
	theirs, _ := newCertificate(t)
	var sent *x509.Certificate
	f.config.Certificate = func(*http.Request) *x509.Certificate { return sent }
	s := newServer(t, f.config)
	key := newSigner(t, "")
	token := f.key.token(t, members{"cnf": members{"x5t#S256": thumbprint}})
	both := f.key.token(t, members{"cnf": members{"x5t#S256": thumbprint, "jkt": key.thumbprint(t)}})
	for name, tc := range map[string]struct {
		certificate *x509.Certificate
		headers     []string
		status      int
	}{
		"its certificate":          {mine, []string{"Authorization", "Bearer " + token}, 200},
		"another certificate":      {theirs, []string{"Authorization", "Bearer " + token}, 401},
		"no certificate":           {nil, []string{"Authorization", "Bearer " + token}, 401},
		"a proof instead":          {nil, []string{"Authorization", "DPoP " + token, "DPoP", key.proof(t, token, nil)}, 401},
		"both bindings":            {mine, []string{"Authorization", "DPoP " + both, "DPoP", key.proof(t, both, nil)}, 200},
		"both, no certificate":     {nil, []string{"Authorization", "DPoP " + both, "DPoP", key.proof(t, both, nil)}, 401},
		"both, no proof":           {mine, []string{"Authorization", "Bearer " + both}, 401},
		"a bearer token, any peer": {theirs, []string{"Authorization", "Bearer " + f.key.token(t, nil)}, 200},
	} {
		sent = tc.certificate
		if w := get(t, s, resource.Need{}, api, tc.headers...); w.Code != tc.status {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Header().Get("WWW-Authenticate"), tc.status)
		}
	}
}

// Spec: RFC 6750 §3.1, RFC 9470 §3.
func TestNeeds(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := newServer(t, f.config)
	token := f.key.token(t, members{"acr": "2"})
	age := func(d time.Duration) *time.Duration { return &d }
	for name, tc := range map[string]struct {
		token  string
		need   resource.Need
		status int
		want   string
	}{
		"nothing":         {token, resource.Need{}, 200, ""},
		"a scope":         {token, resource.Need{Scopes: []string{"orders:read"}}, 200, ""},
		"all scopes":      {token, resource.Need{Scopes: []string{"orders:read", "orders:write"}}, 200, ""},
		"a scope more":    {token, resource.Need{Scopes: []string{"orders:read", "orders:delete"}}, 403, `error="insufficient_scope", error_description="The access token lacks the scope orders:delete.", scope="orders:read orders:delete"`},
		"a part of one":   {token, resource.Need{Scopes: []string{"orders"}}, 403, `error="insufficient_scope"`},
		"one of the acrs": {token, resource.Need{ACRValues: []string{"phr", "2"}}, 200, ""},
		"another acr":     {token, resource.Need{ACRValues: []string{"phr", "3"}, MaxAge: age(time.Hour)}, 401, `error="insufficient_user_authentication", error_description="A stronger authentication of the user is required.", acr_values="phr 3", max_age="3600"`},
		"the age":         {token, resource.Need{MaxAge: age(time.Minute)}, 200, ""},
		"too old":         {token, resource.Need{MaxAge: age(59 * time.Second)}, 401, `max_age="59"`},
		"no acr":          {f.key.token(t, members{"acr": nil}), resource.Need{ACRValues: []string{"1"}}, 401, `acr_values="1"`},
		"no auth_time":    {f.key.token(t, members{"auth_time": nil}), resource.Need{MaxAge: age(time.Hour)}, 401, `max_age="3600"`},
	} {
		w := get(t, s, tc.need, api, "Authorization", "Bearer "+tc.token)
		if challenge := w.Header().Get("WWW-Authenticate"); w.Code != tc.status || !strings.Contains(challenge, tc.want) {
			t.Errorf("%s: %d %s, want %d with %s", name, w.Code, challenge, tc.status, tc.want)
		}
	}
}

// A failure of the lookup is neither a rejection nor an acceptance, and says nothing of its cause.
func TestLookupFails(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.issuer.down = true
	w := get(t, newServer(t, f.config), resource.Need{}, api, "Authorization", "Bearer "+f.key.token(t, nil))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || w.Header().Get("WWW-Authenticate") != "" || strings.Contains(w.Body.String(), "refused") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestInvalidConfigurations(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for name, c := range map[string]resource.Config{
		"no resource":  {Tokens: f.config.Tokens},
		"a path":       {Tokens: f.config.Tokens, Resource: "/orders"},
		"a fragment":   {Tokens: f.config.Tokens, Resource: api + "#a"},
		"no lookup":    {Resource: api},
		"a short key":  {Tokens: f.config.Tokens, Resource: api, NonceKeys: [][]byte{[]byte("short")}},
		"an empty key": {Tokens: f.config.Tokens, Resource: api, NonceKeys: [][]byte{nil}},
	} {
		if _, err := resource.New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := resource.NewJWT(resource.JWTConfig{Issuer: issuerID, Algorithms: []string{"none"}}); err == nil {
		t.Error("alg none: no error")
	}
	for _, id := range []string{"", "id.example", "https://id.example?x=y", "ftp://id.example"} {
		if _, err := resource.NewJWT(resource.JWTConfig{Issuer: id}); err == nil {
			t.Errorf("issuer %q: no error", id)
		}
	}
	if _, err := resource.NewIntrospection(resource.IntrospectionConfig{Issuer: issuerID}); err == nil {
		t.Error("no authentication: no error")
	}
}

// The cause of a rejected token is for the log of the service, and has no credential.
func TestErrorsExplain(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	token := f.key.token(t, members{"exp": noon.Unix() - 1})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, api, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	_, err := newServer(t, f.config).Authenticate(http.Header{}, r)
	var rejected *resource.Error
	if !errors.As(err, &rejected) || !errors.Is(err, resource.ErrInactive) || !strings.Contains(err.Error(), "expired") || strings.Contains(err.Error(), token) {
		t.Errorf("%v", err)
	}
}
