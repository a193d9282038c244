package client

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

func TestEncryptionNeedsASuitableKey(t *testing.T) {
	t.Parallel()

	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edKey, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	enc := map[string]any{"use": "enc"}
	for name, tc := range map[string]struct {
		alg, keys string
		want      bool
	}{
		"marked for it":              {"RSA-OAEP", jwk(t, rsaKey.Public(), enc), true},
		"not marked at all":          {"RSA-OAEP-256", jwk(t, rsaKey.Public(), map[string]any{"use": ""}), true},
		"marked for signatures":      {"RSA-OAEP", jwk(t, rsaKey.Public(), nil), false},
		"of another kind":            {"ECDH-ES", jwk(t, rsaKey.Public(), enc), false},
		"of another kind, the other": {"RSA-OAEP", jwk(t, ecKey.Public(), enc), false},
		"on a curve":                 {"ECDH-ES+A128KW", jwk(t, ecKey.Public(), enc), true},
		"that signs and no more":     {"ECDH-ES", jwk(t, edKey, enc), false},
		"for another algorithm":      {"RSA-OAEP", jwk(t, rsaKey.Public(), map[string]any{"use": "enc", "alg": "RSA-OAEP-256"}), false},
		"for this algorithm":         {"RSA-OAEP", jwk(t, rsaKey.Public(), map[string]any{"use": "enc", "alg": "RSA-OAEP"}), true},
		"beside one that signs":      {"ECDH-ES", jwk(t, rsaKey.Public(), nil) + "," + jwk(t, ecKey.Public(), enc), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			m, faults := parse(t, `{"id_token_encrypted_response_alg":"`+tc.alg+`","jwks":{"keys":[`+tc.keys+`]}}`, open())
			if got := len(faults) == 0; got != tc.want {
				t.Errorf("accepted = %v (%v), want %v", got, faults, tc.want)
			}
			if m.IDTokenEncryptedResponseEnc != "A128CBC-HS256" {
				t.Errorf("enc = %q, want the default", m.IDTokenEncryptedResponseEnc)
			}
		})
	}
	marked := jose.JSONWebKey{Key: rsaKey.Public(), Use: "enc", KeyID: "marked"}
	if key, ok := EncryptionKey([]jose.JSONWebKey{{Key: rsaKey.Public(), KeyID: "not"}, marked}, "RSA-OAEP"); !ok || key.KeyID != "marked" {
		t.Errorf("chosen %q, want the one that is marked", key.KeyID)
	}
}
