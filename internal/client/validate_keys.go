package client

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

const (
	minRSA = 2048
	maxRSA = 8192 // verifying gets slow beyond
	// maxRSAExponent is the greatest with which crypto/rsa encrypts and verifies.
	maxRSAExponent = 1<<31 - 1
	maxKeys        = 50
)

// authentication checks how the client proves who it is, and with which keys.
func (c *checks) authentication(m *Metadata) {
	c.oneOf("token_endpoint_auth_method", m.TokenEndpointAuthMethod, AuthMethods()...)
	algs := c.signingAlgs() // without a meaning where nothing is signed
	if m.TokenEndpointAuthMethod == AuthSecretJWT {
		algs = SecretAlgs()
	}
	c.oneOf("token_endpoint_auth_signing_alg", m.TokenEndpointAuthSigningAlg, algs...)

	keys, bad := ReadKeySet(m.JWKS)
	for _, err := range bad {
		c.fail("jwks", err.Error())
	}
	if len(keys) == 0 && len(bad) == 0 {
		m.JWKS = nil // {} and {"keys":[]} are ways to say that there is none
	}
	if m.JWKS != nil && m.JWKSURI != "" {
		c.fail("jwks", "must not stand beside jwks_uri")
	}
	if m.TokenEndpointAuthMethod == AuthPrivateKeyJWT && m.JWKS == nil && m.JWKSURI == "" {
		c.fail("jwks", "or jwks_uri is needed for private_key_jwt")
	}
}

// ReadKeySet returns the keys of a JWK Set that are fit to trust, and what is
// wrong with each of the others.
//
// Spec: RFC 7517 section 5; RFC 7518 section 6.
func ReadKeySet(raw []byte) (keys []jose.JSONWebKey, bad []error) {
	if len(bytes.TrimSpace(raw)) == 0 || bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
		return nil, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, []error{errors.New("must be a JWK Set")}
	}
	var set []json.RawMessage
	if list, ok := members["keys"]; ok {
		if err := json.Unmarshal(list, &set); err != nil {
			return nil, []error{errors.New("must be a JWK Set")}
		}
	}
	if len(set) > maxKeys {
		return nil, []error{fmt.Errorf("may hold %d keys", maxKeys)}
	}
	for i, raw := range set {
		key, err := readKey(raw)
		if err != nil {
			bad = append(bad, fmt.Errorf("key %d %w", i+1, err))
			continue
		}
		keys = append(keys, key)
	}
	return keys, bad
}

// readKey reads one key: public, asymmetric and strong.
func readKey(raw json.RawMessage) (jose.JSONWebKey, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return jose.JSONWebKey{}, errors.New("must be a JSON object")
	}
	// go-jose takes a key with some private members for a public one, and what is
	// stored is echoed.
	for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		if _, ok := members[private]; ok {
			return jose.JSONWebKey{}, errors.New("must not be private or symmetric")
		}
	}
	var key jose.JSONWebKey
	if err := key.UnmarshalJSON(raw); err != nil || !key.Valid() {
		return jose.JSONWebKey{}, errors.New("must be a valid RSA, EC or Ed25519 key")
	}
	switch pub := key.Key.(type) {
	case *rsa.PublicKey:
		if bits := pub.N.BitLen(); bits < minRSA || bits > maxRSA || pub.N.Bit(0) == 0 || pub.E < 3 || pub.E > maxRSAExponent || pub.E%2 == 0 {
			return jose.JSONWebKey{}, fmt.Errorf("must be RSA of %d to %d bits with an odd exponent below 2^31", minRSA, maxRSA)
		}
	case *ecdsa.PublicKey:
		if !slices.Contains([]elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()}, pub.Curve) {
			return jose.JSONWebKey{}, errors.New("must be on P-256, P-384 or P-521")
		}
	case ed25519.PublicKey:
	default:
		return jose.JSONWebKey{}, errors.New("must not be private or symmetric")
	}
	return key, nil
}
