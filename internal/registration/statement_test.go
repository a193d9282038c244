package registration

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const publisher = "https://publisher.example"

// signer makes software statements.
type signer struct {
	key *ecdsa.PrivateKey
	kid string
}

func newSigner(t *testing.T, kid string) signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer{key, kid}
}

func (s signer) set() string {
	raw, _ := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: s.key.Public(), KeyID: s.kid}}})
	return string(raw)
}

func (s signer) sign(tb testing.TB, claims map[string]any) string {
	tb.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		tb.Fatal(err)
	}
	key := jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: s.key, KeyID: s.kid}}
	with, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		tb.Fatal(err)
	}
	object, err := with.Sign(payload)
	if err != nil {
		tb.Fatal(err)
	}
	text, err := object.CompactSerialize()
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// trusting returns a fixture that trusts the publisher and another issuer.
func trusting(t *testing.T) (r *fixture, ours, other signer) {
	t.Helper()
	ours, other = newSigner(t, "ours"), newSigner(t, "other")
	keys, _, err := ReadStatementKeys([]byte(`{"` + publisher + `":` + ours.set() + `,"https://other.example":` + other.set() + `}`))
	if err != nil {
		t.Fatal(err)
	}
	return newFixture(t, func(c *Config) { c.StatementKeys = keys }), ours, other
}

func stating(statement string) string {
	return `{"redirect_uris":["https://self.example/cb"],"client_name":"Self","client_name#ja":"自","software_statement":` + statement + `}`
}

func TestAStatementReplacesClientMembers(t *testing.T) {
	t.Parallel()

	r, ours, _ := trusting(t)
	statement := ours.sign(t, map[string]any{
		"iss": publisher, "exp": r.now.Add(time.Hour).Unix(), "sub": "shop", "jti": "1", "software_id": "shop",
		"client_name": "Shop", "client_name#ja": "店", "redirect_uris": []string{"https://shop.example/cb"},
		"client_id": "mine", "client_secret": "0123456789abcdef", "software_statement": "x", "skip_consent": true,
	})
	a := r.register(t, connect, stating(`"`+statement+`"`))
	for member, want := range map[string]any{
		"software_statement": statement, "client_name": "Shop", "client_name#ja": "店", "software_id": "shop",
		"iss": nil, "sub": nil, "skip_consent": nil,
	} {
		if a.body[member] != want {
			t.Errorf("%s = %v, want %v", member, a.body[member], want)
		}
	}
	if uris, _ := a.body["redirect_uris"].([]any); len(uris) != 1 || uris[0] != "https://shop.example/cb" || a.text("client_id") == "mine" {
		t.Errorf("redirect_uris = %v of %s, want those of the statement, and a generated id", uris, a.text("client_id"))
	}

	// The statement of the registration remains valid for the client after it has expired.
	r.now = r.now.Add(2 * time.Hour)
	at, token := strings.TrimPrefix(a.text("registration_client_uri"), issuer), "Bearer "+a.text("registration_access_token")
	b := r.do(t, "PUT", at, stating(`"`+statement+`"`), token)
	if b.status != http.StatusOK || b.text("client_name") != "Shop" || b.text("software_statement") != statement {
		t.Errorf("PUT = %d %s, want the members of the statement", b.status, b.raw)
	}
	wantError(t, r.do(t, "POST", connect, stating(`"`+statement+`"`)), http.StatusBadRequest, "invalid_software_statement")
	if got := r.do(t, "GET", at, "", token); got.text("software_statement") != statement {
		t.Errorf("GET = %s, want the statement unchanged", got.raw)
	}
}

func TestInvalidStatements(t *testing.T) {
	t.Parallel()

	const invalid, unapproved = "invalid_software_statement", "unapproved_software_statement"
	r, ours, other := trusting(t)
	with := func(changes map[string]any) string {
		claims := map[string]any{"iss": publisher, "client_name": "Shop"}
		maps.Copy(claims, changes)
		return `"` + ours.sign(t, claims) + `"`
	}
	good := with(nil)
	parts := strings.Split(good, ".")
	for name, tc := range map[string]struct{ statement, code string }{
		"a good one":                  {good, ""},
		"with this audience":          {with(map[string]any{"aud": []string{"https://x.example", issuer}}), ""},
		"with only this audience":     {with(map[string]any{"aud": issuer}), ""},
		"null":                        {`null`, ""},
		"with another audience":       {with(map[string]any{"aud": "https://x.example"}), invalid},
		"with a number as audience":   {with(map[string]any{"aud": 7}), invalid},
		"of an unknown issuer":        {with(map[string]any{"iss": "https://unknown.example"}), unapproved},
		"without an issuer":           {with(map[string]any{"iss": nil}), invalid},
		"of an issuer that is a list": {with(map[string]any{"iss": []string{publisher}}), invalid},
		"with the key of another":     {with(map[string]any{"iss": "https://other.example"}), invalid},
		"signed by another issuer":    {`"` + other.sign(t, map[string]any{"iss": publisher}) + `"`, invalid},
		"expired":                     {with(map[string]any{"exp": r.now.Add(-time.Minute).Unix()}), invalid},
		"expires beyond the range":    {with(map[string]any{"exp": 1e300}), ""},
		"not valid yet":               {with(map[string]any{"nbf": r.now.Add(time.Minute).Unix()}), invalid},
		"expires at a string":         {with(map[string]any{"exp": "soon"}), invalid},
		"changed":                     {parts[0] + "." + parts[1] + "x." + parts[2], invalid},
		"not signed":                  {`"eyJhbGciOiJub25lIn0.e30."`, invalid},
		"a string":                    {`"statement"`, invalid},
		"empty":                       {`""`, invalid},
		"a number":                    {`7`, invalid},
		"with an invalid redirect":    {with(map[string]any{"redirect_uris": []string{"javascript:alert(1)"}}), "invalid_redirect_uri"},
	} {
		a := r.do(t, "POST", connect, stating(tc.statement))
		if tc.code == "" {
			if a.status != http.StatusCreated {
				t.Errorf("%s: %d %s, want 201", name, a.status, a.raw)
			}
			continue
		}
		if a.text("error") != tc.code {
			t.Errorf("%s: %s, want %s", name, a.raw, tc.code)
		}
		wantError(t, a, http.StatusBadRequest, tc.code)
	}
	untrusting := newFixture(t, nil)
	for _, statement := range []string{good, `""`, `"x"`} {
		wantError(t, untrusting.do(t, "POST", oauth2, stating(statement)), http.StatusBadRequest, unapproved)
	}
}

func TestStatementKeysByIssuer(t *testing.T) {
	t.Parallel()

	set := newSigner(t, "a").set()
	for text, want := range map[string]bool{
		`{"https://a.example":` + set + `}`:                                 true,
		`{"https://a.example":` + set + `,"https://b.example":` + set + `}`: true,
		`{}`:                                true,
		set:                                 false,
		`[` + set + `]`:                     false,
		`{"":` + set + `}`:                  false,
		`{"https://a.example":{"keys":[]}}`: false,
		`{"https://a.example":{"keys":[{"kty":"oct","k":"AAAA"}]}}`: false,
		`{"https://a.example":"https://a.example/jwks"}`:            false,
		``: false,
		`{"https://a.example":` + set + `,"https://b.example":{"keys":[{"kty":"unknown"}]}}`: false,
	} {
		if keys, _, err := ReadStatementKeys([]byte(text)); (err == nil) != want {
			t.Errorf("ReadStatementKeys(%.60s) = %d issuers, %v; want accepted = %v", text, len(keys), err, want)
		}
	}
}

func TestAnUnsupportedStatementKeyIsIgnored(t *testing.T) {
	t.Parallel()

	set := strings.Replace(newSigner(t, "a").set(), `{"keys":[`, `{"keys":[{"kty":"OKP","crv":"X25519","x":"AAAA"},`, 1)
	keys, warnings, err := ReadStatementKeys([]byte(`{"https://a.example":` + set + `}`))
	if err != nil || len(keys["https://a.example"]) != 1 || len(warnings) != 1 || !strings.Contains(warnings[0], "https://a.example") {
		t.Errorf("keys %v, warnings %q, %v; want one of each", keys, warnings, err)
	}
	private := strings.Replace(set, `"x":"AAAA"`, `"x":"AAAA","d":"AAAA"`, 1)
	if _, _, err := ReadStatementKeys([]byte(`{"https://a.example":` + private + `}`)); err == nil {
		t.Error("a private key is ignored")
	}
}

// A member without a language in the statement removes the localized members of the client.
func TestAStatementReplacesLocalizedMembers(t *testing.T) {
	t.Parallel()

	r, ours, _ := trusting(t)
	statement := ours.sign(t, map[string]any{"iss": publisher, "client_name": "Shop"})
	a := r.register(t, connect, stating(`"`+statement+`"`))
	if a.text("client_name") != "Shop" || a.body["client_name#ja"] != nil {
		t.Errorf("registered %s, want only the name of the statement", a.raw)
	}
}
