package client

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// EncryptionAlgs lists the ways in which the key of what is encrypted for a client
// can be given to it. All of them need the client's public key: its secret is kept
// as a hash, and RSA1_5 gives padding oracles something to work on.
//
// Spec: RFC 7518 section 4.
func EncryptionAlgs() []string {
	return []string{
		string(jose.RSA_OAEP), string(jose.RSA_OAEP_256),
		string(jose.ECDH_ES), string(jose.ECDH_ES_A128KW), string(jose.ECDH_ES_A256KW),
	}
}

// EncryptionEncs lists the ways in which the content can be encrypted.
//
// Spec: RFC 7518 section 5.
func EncryptionEncs() []string {
	return []string{string(jose.A128CBC_HS256), string(jose.A256CBC_HS512), string(jose.A128GCM), string(jose.A256GCM)}
}

// EncryptionKey returns the key to encrypt with by alg: one that is marked for
// encryption, or else one that is not marked at all.
//
// Spec: RFC 7517 sections 4.2 and 4.4; OpenID Connect Core section 10.2.1.
func EncryptionKey(keys []jose.JSONWebKey, alg string) (jose.JSONWebKey, bool) {
	for _, use := range []string{"enc", ""} {
		for _, key := range keys {
			if key.Use == use && (key.Algorithm == "" || key.Algorithm == alg) && encrypts(key, alg) {
				return key, true
			}
		}
	}
	return jose.JSONWebKey{}, false
}

// encrypts reports whether the key is of the kind that alg works with.
func encrypts(key jose.JSONWebKey, alg string) bool {
	switch key.Key.(type) {
	case *rsa.PublicKey:
		return strings.HasPrefix(alg, "RSA-OAEP")
	case *ecdsa.PublicKey:
		return strings.HasPrefix(alg, "ECDH-ES")
	}
	return false
}
