package trustedissuer

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

func aTrust(t *testing.T) *Trust {
	t.Helper()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &Trust{
		Issuer: "https://issuer.example", Scopes: []string{"api"}, Key: jose.JSONWebKey{Key: public, KeyID: "k"},
		ExpiresAt: time.Unix(1, 0),
	}
}

func TestWhatATrustIs(t *testing.T) {
	t.Parallel()

	small, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	wide, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		change func(*Trust)
		want   string // part of the error; empty if valid
	}{
		"a good one":           {func(*Trust) {}, ""},
		"with an alg":          {func(t *Trust) { t.Key.Algorithm = "EdDSA" }, ""},
		"with RSA":             {func(t *Trust) { t.Key.Key = small.Public() }, ""},
		"for one subject":      {func(t *Trust) { t.Subject = "mike" }, ""},
		"without scopes":       {func(t *Trust) { t.Scopes = nil }, ""},
		"in nobody":            {func(t *Trust) { t.Issuer = "" }, "issuer"},
		"in a line break":      {func(t *Trust) { t.Issuer = "a\nb" }, "issuer"},
		"in a long subject":    {func(t *Trust) { t.Subject = strings.Repeat("m", 256) }, "subject"},
		"in a key unnamed":     {func(t *Trust) { t.Key.KeyID = "" }, "kid"},
		"in a key to encrypt":  {func(t *Trust) { t.Key.Use = "enc" }, "use"},
		"in a key of P-384":    {func(t *Trust) { t.Key.Key = wide.Public() }, "RS256"},
		"in a private key":     {func(t *Trust) { t.Key.Key = small }, "RS256"},
		"in a secret":          {func(t *Trust) { t.Key.Key = []byte("secret") }, "RS256"},
		"with a foreign alg":   {func(t *Trust) { t.Key.Algorithm = "RS256" }, "alg"},
		"with a scope in two":  {func(t *Trust) { t.Scopes = []string{"a b"} }, "scope"},
		"with an empty scope":  {func(t *Trust) { t.Scopes = []string{""} }, "scope"},
		"with too many scopes": {func(t *Trust) { t.Scopes = []string{strings.Repeat("a", 4097)} }, "scope"},
		"without an end":       {func(t *Trust) { t.ExpiresAt = time.Time{} }, "expires_at"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			trust := aTrust(t)
			tc.change(trust)
			err := trust.Check()
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Check = %v, want something of %q", err, tc.want)
			}
		})
	}
}

func TestAWordGoesAsFarAsItsScopes(t *testing.T) {
	t.Parallel()

	trust := aTrust(t)
	if !trust.Allows(nil) || !trust.Allows([]string{"api"}) || trust.Allows([]string{"api", "admin"}) || !trust.AnySubject() {
		t.Error("another scope than api is allowed, or api is not")
	}
}

func TestTrustsHaveIDsOfTheirOwn(t *testing.T) {
	t.Parallel()

	id := NewID()
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(id) || id == NewID() {
		t.Errorf("id %q is no random UUID", id)
	}
}
