package client

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// EncryptionAlgs returns the supported key management algorithms for tokens to clients. All of
// them use the client's public key: its secret is stored as a hash. RSA1_5 is missing because
// it is prone to padding oracles.
//
// Spec: RFC 7518 §4.
func EncryptionAlgs() []string {
	return []string{
		string(jose.RSA_OAEP), string(jose.RSA_OAEP_256),
		string(jose.ECDH_ES), string(jose.ECDH_ES_A128KW), string(jose.ECDH_ES_A256KW),
	}
}

// EncryptionEncs returns the supported content encryption algorithms.
//
// Spec: RFC 7518 §5.
func EncryptionEncs() []string {
	return []string{string(jose.A128CBC_HS256), string(jose.A256CBC_HS512), string(jose.A128GCM), string(jose.A256GCM)}
}

// EncryptionKey returns the key for alg: a key with use enc, or else a key without use. It
// reports false if there is no such key.
//
// Spec: RFC 7517 §4.2, §4.4, OpenID Connect Core §10.2.1.
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

// encrypts reports whether the type of the key matches alg.
func encrypts(key jose.JSONWebKey, alg string) bool {
	switch key.Key.(type) {
	case *rsa.PublicKey:
		return strings.HasPrefix(alg, "RSA-OAEP")
	case *ecdsa.PublicKey:
		return strings.HasPrefix(alg, "ECDH-ES")
	}
	return false
}
