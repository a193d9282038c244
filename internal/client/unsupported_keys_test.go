package client

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"math/big"
	"strings"
	"testing"
)

// Client key sets may contain key types that this server does not support.
func oddKeys(t *testing.T) map[string]string {
	t.Helper()
	small := new(big.Int).SetBit(big.NewInt(1), 1023, 1)
	return map[string]string{
		"X25519":             `{"kty":"OKP","crv":"X25519","kid":"x","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"}`,
		"Ed448":              `{"kty":"OKP","crv":"Ed448","x":"AAAA"}`,
		"secp256k1":          `{"kty":"EC","crv":"secp256k1","use":"sig","x":"AAAA","y":"AAAA"}`,
		"AKP":                `{"kty":"AKP","alg":"ML-DSA-44","pub":"AAAA"}`,
		"small RSA":          jwk(t, &rsa.PublicKey{N: small, E: 65537}, nil),
		"a missing member":   `{"kty":"RSA","e":"AQAB"}`,
		"an unknown kind":    `{"kty":"cat","meow":true}`,
		"a kid of a number":  `{"kty":"EC","crv":"P-256","kid":1,"x":"AAAA","y":"AAAA"}`,
		"an impossible x5c":  `{"kty":"RSA","n":"AQAB","e":"AQAB","x5c":["!"]}`,
		"a symmetric no key": `{"kty":"oct"}`,
	}
}

func TestUnsupportedKeyIsIgnored(t *testing.T) {
	t.Parallel()

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := jwk(t, key.Public(), nil)
	for name, odd := range oddKeys(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			for _, self := range []bool{true, false} {
				p := open()
				p.SelfRegistered = self
				set := `{"keys":[` + odd + `,` + good + `]}`
				m, faults := parse(t, `{"token_endpoint_auth_method":"private_key_jwt","jwks":`+set+`}`, p)
				if len(faults) > 0 {
					t.Fatalf("self-registered %t: %v", self, faults)
				}
				keys, bad := ReadKeySet(m.JWKS)
				if len(keys) != 1 || len(bad) != 0 || keys[0].KeyID != "k" {
					t.Errorf("kept are %s, want the good key alone", m.JWKS)
				}
				if warnings := KeyWarnings([]byte(set)); len(warnings) != 1 || !strings.Contains(warnings[0], "key 1") {
					t.Errorf("warnings %q, want one that names key 1", warnings)
				}
			}
			if _, faults := parse(t, `{"token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[`+odd+`]}}`, open()); len(faults) == 0 {
				t.Error("a set of which nothing can be used was taken")
			}
		})
	}
	if KeyWarnings([]byte(`{"keys":[`+good+`]}`)) != nil || KeyWarnings(nil) != nil || KeyWarnings([]byte(`[`)) != nil {
		t.Error("a warning about nothing")
	}
}

func TestKeySetNeedsAKeyForTheRegisteredAlgorithms(t *testing.T) {
	t.Parallel()

	ec := func(curve elliptic.Curve) any {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return key.Public()
	}
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p256, p384, strong := ec(elliptic.P256()), ec(elliptic.P384()), private.Public()
	x25519 := oddKeys(t)["X25519"]
	enc := map[string]any{"use": "enc"}
	for name, tc := range map[string]struct {
		members, keys string
		want          bool
	}{
		"any algorithm":                          {`"token_endpoint_auth_method":"private_key_jwt"`, jwk(t, p256, nil), true},
		"the registered algorithm":               {`"token_endpoint_auth_method":"private_key_jwt","token_endpoint_auth_signing_alg":"PS256"`, jwk(t, strong, nil), true},
		"another algorithm":                      {`"token_endpoint_auth_method":"private_key_jwt","token_endpoint_auth_signing_alg":"ES256"`, jwk(t, strong, nil), false},
		"a key marked for another algorithm":     {`"token_endpoint_auth_method":"private_key_jwt","token_endpoint_auth_signing_alg":"PS256"`, jwk(t, strong, map[string]any{"alg": "RS256"}), false},
		"a curve that nothing is signed with":    {`"token_endpoint_auth_method":"private_key_jwt"`, jwk(t, p384, nil), false},
		"a key to encrypt with":                  {`"token_endpoint_auth_method":"private_key_jwt"`, jwk(t, p256, enc), false},
		"both":                                   {`"token_endpoint_auth_method":"private_key_jwt","id_token_encrypted_response_alg":"ECDH-ES"`, jwk(t, p256, nil) + `,` + jwk(t, p384, enc), true},
		"nothing to encrypt with":                {`"id_token_encrypted_response_alg":"RSA-OAEP"`, x25519 + `,` + jwk(t, p256, nil), false},
		"no use for keys":                        {`"client_name":"x"`, x25519 + `,` + jwk(t, p384, nil), true},
		"request objects by an odd key":          {`"request_object_signing_alg":"RS256"`, x25519 + `,` + jwk(t, p256, nil), false},
		"request objects by a good one":          {`"request_object_signing_alg":"ES256"`, x25519 + `,` + jwk(t, p256, nil), true},
		"request objects, as Hydra's CLI has it": {`"request_object_signing_alg":"RS256"`, jwk(t, p256, nil), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			_, faults := parse(t, `{`+tc.members+`,"jwks":{"keys":[`+tc.keys+`]}}`, open())
			if got := len(faults) == 0; got != tc.want {
				t.Errorf("accepted = %v (%v), want %v", got, faults, tc.want)
			}
			for _, f := range faults {
				if f.Code != InvalidMetadata || f.Member != "jwks" {
					t.Errorf("fault = %+v, want %s of jwks", f, InvalidMetadata)
				}
			}
		})
	}
}

// Stored keys are returned in responses, so private keys are rejected even next to valid ones,
// and unknown members are dropped.
func TestPrivateKeysAreRejected(t *testing.T) {
	t.Parallel()

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := jwk(t, key.Public(), nil)
	for name, private := range map[string]string{
		"X25519":      `{"kty":"OKP","crv":"X25519","x":"AAAA","d":"AAAA"}`,
		"secp256k1":   `{"kty":"EC","crv":"secp256k1","x":"AAAA","y":"AAAA","d":"AAAA"}`,
		"AKP":         `{"kty":"AKP","alg":"ML-DSA-44","pub":"AAAA","priv":"AAAA"}`,
		"symmetric":   `{"kty":"oct","k":"AAAA"}`,
		"no object":   `"key"`,
		"one of many": good + `,` + jwk(t, key, nil),
	} {
		if _, faults := parse(t, `{"jwks":{"keys":[`+good+`,`+private+`]}}`, open()); len(faults) == 0 {
			t.Errorf("%s: taken beside a good key", name)
		}
	}
	m, faults := parse(t, `{"jwks":{"keys":[{"kty":"cat","secret":"purr"},`+good+`],"also":"purr"}}`, open())
	if len(faults) > 0 || strings.Contains(string(m.JWKS), "purr") || !json.Valid(m.JWKS) {
		t.Errorf("kept %s (%v), want the good key alone", m.JWKS, faults)
	}
}
