package client

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"math/big"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// jwk returns key as JSON with the members of more added.
func jwk(t *testing.T, key any, more map[string]any) string {
	t.Helper()
	raw, err := json.Marshal(jose.JSONWebKey{Key: key, KeyID: "k", Use: "sig"})
	if err != nil {
		t.Fatal(err)
	}
	members := map[string]any{}
	if err := json.Unmarshal(raw, &members); err != nil {
		t.Fatal(err)
	}
	maps.Copy(members, more)
	if raw, err = json.Marshal(members); err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestReadKeySetAcceptsOnlyStrongPublicKeys(t *testing.T) {
	t.Parallel()

	ec := func(curve elliptic.Curve) *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	strong, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	// Validation checks only the length of the modulus, so its factors are not needed.
	modulus := func(bits uint) *big.Int { return new(big.Int).SetBit(big.NewInt(1), int(bits)-1, 1) }
	p256 := ec(elliptic.P256())

	for name, tc := range map[string]struct {
		key  string
		want bool
	}{
		"RSA of 2048 bits":          {jwk(t, strong.Public(), nil), true},
		"RSA of 2047 bits":          {jwk(t, &rsa.PublicKey{N: modulus(2047), E: 65537}, nil), false},
		"RSA of 16384 bits":         {jwk(t, &rsa.PublicKey{N: modulus(16384), E: 65537}, nil), false},
		"RSA with the exponent 1":   {jwk(t, &rsa.PublicKey{N: modulus(2048), E: 1}, nil), false},
		"RSA with a huge exponent":  {jwk(t, strong.Public(), map[string]any{"e": "AgAAAAE"}), false}, // nothing encrypts with it
		"P-256":                     {jwk(t, p256.Public(), nil), true},
		"P-384":                     {jwk(t, ec(elliptic.P384()).Public(), nil), true},
		"P-521":                     {jwk(t, ec(elliptic.P521()).Public(), nil), true},
		"Ed25519":                   {jwk(t, public, nil), true},
		"a private RSA key":         {jwk(t, strong, nil), false},
		"a private EC key":          {jwk(t, p256, nil), false},
		"a private Ed25519 key":     {jwk(t, private, nil), false},
		"a factor of the modulus":   {jwk(t, strong.Public(), map[string]any{"p": "AQAB"}), false},
		"a symmetric key":           {`{"kty":"oct","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"}`, false},
		"a point off the curve":     {jwk(t, p256.Public(), map[string]any{"x": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}), false},
		"a curve that is not known": {`{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}`, false},
		"a key of no kind":          {`{"kid":"x"}`, false},
		"a string":                  {`"key"`, false},
		"null":                      {`null`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			keys, bad := ReadKeySet([]byte(`{"keys":[` + tc.key + `]}`))
			if got := len(keys) == 1 && len(bad) == 0; got != tc.want {
				t.Errorf("key %.80s: keys %d, bad %v; want accepted = %v", tc.key, len(keys), bad, tc.want)
			}
			m := Metadata{RedirectURIs: []string{"https://rp.example/cb"}, JWKS: json.RawMessage(`{"keys":[` + tc.key + `]}`)}
			if got := len(m.Validate(open())) == 0; got != tc.want {
				t.Errorf("metadata with the key: accepted = %v, want %v", got, tc.want)
			}
		})
	}
}

func TestOneBadKeyDoesNotHideTheOthers(t *testing.T) {
	t.Parallel()

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys, bad := ReadKeySet([]byte(`{"keys":[{"kty":"cat"},` + jwk(t, key.Public(), nil) + `]}`))
	if len(keys) != 1 || len(bad) != 1 {
		t.Errorf("got %d keys and %d bad, want 1 and 1", len(keys), len(bad))
	}
}

func TestJWKSAndJWKSURIExcludeEachOther(t *testing.T) {
	t.Parallel()

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	m := Metadata{
		RedirectURIs: []string{"https://rp.example/cb"}, JWKSURI: "https://rp.example/jwks",
		JWKS: json.RawMessage(`{"keys":[` + jwk(t, key.Public(), nil) + `]}`),
	}
	if faults := m.Validate(open()); len(faults) != 1 || faults[0].Member != "jwks" {
		t.Errorf("faults = %v, want one of jwks", faults)
	}
	for _, none := range []string{`{}`, `{"keys":[]}`, `null`} {
		m.JWKS = json.RawMessage(none)
		if faults := m.Validate(open()); len(faults) != 0 || m.JWKS != nil {
			t.Errorf("jwks %s: faults %v, kept %s; want it to count as absent", none, faults, m.JWKS)
		}
	}
}
