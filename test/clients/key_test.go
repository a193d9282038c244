//go:build e2e

package clients

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// key is the key of an application.
type key struct {
	private string // as a JWK
	set     jose.JSONWebKeySet
}

func newKey(t *testing.T) key {
	t.Helper()
	made, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jwk := jose.JSONWebKey{Key: made, KeyID: "first", Algorithm: "ES256", Use: "sig"}
	private, err := json.Marshal(jwk)
	if err != nil {
		t.Fatal(err)
	}
	return key{private: string(private), set: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{jwk.Public()}}}
}
