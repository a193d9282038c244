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
	// maxRSAExponent is the largest exponent that crypto/rsa supports.
	maxRSAExponent = 1<<31 - 1
	maxKeys        = 50
)

// authentication checks the client authentication method and its keys.
func (c *checks) authentication(m *Metadata) {
	c.oneOf("token_endpoint_auth_method", m.TokenEndpointAuthMethod, AuthMethods(c.policy.MutualTLS...)...)
	algs := c.policy.signingAlgs() // has no effect if the client signs nothing
	if m.TokenEndpointAuthMethod == AuthSecretJWT {
		algs = SecretAlgs()
	}
	c.oneOf("token_endpoint_auth_signing_alg", m.TokenEndpointAuthSigningAlg, algs...)

	c.keys(m)
	if m.JWKS != nil && m.JWKSURI != "" {
		c.fail("jwks", "must not be combined with jwks_uri")
	}
	byKeys := m.TokenEndpointAuthMethod == AuthPrivateKeyJWT || m.TokenEndpointAuthMethod == AuthSelfSignedTLS
	if byKeys && m.JWKS == nil && m.JWKSURI == "" {
		c.fail("jwks", "or jwks_uri is needed for "+m.TokenEndpointAuthMethod)
	}
}

// keys keeps in jwks only the keys that the server can use. Keys of unknown types are ignored
// (RFC 7517 §5), unless no key remains for the registered algorithms. A private or symmetric
// key is rejected, since the stored key set is returned in responses.
func (c *checks) keys(m *Metadata) {
	keys, bad := ReadKeySet(m.JWKS)
	odd := slices.ContainsFunc(bad, isOdd)
	for _, err := range bad {
		if len(keys) == 0 || !isOdd(err) {
			c.fail("jwks", err.Error())
		}
	}
	switch {
	case len(keys) == 0 && len(bad) > 0:
		return
	case len(keys) == 0:
		m.JWKS = nil // {} and {"keys":[]} are ways to say that there is none
		return
	case odd:
		m.JWKS = onlyUsable(m.JWKS)
	}
	algs := c.policy.signingAlgs()
	if alg := m.TokenEndpointAuthSigningAlg; alg != "" {
		algs = []string{alg}
	}
	if m.TokenEndpointAuthMethod == AuthPrivateKeyJWT && !anyVerifies(keys, algs...) {
		c.fail("jwks", "must hold a key that can be used for private_key_jwt")
	}
	if alg := m.RequestObjectSigningAlg; odd && alg != "" && alg != "none" && !anyVerifies(keys, alg) {
		c.fail("jwks", "must hold a key that can be used for request_object_signing_alg")
	}
}

// anyVerifies reports whether one key can verify a signature of one of algs.
func anyVerifies(keys []jose.JSONWebKey, algs ...string) bool {
	return slices.ContainsFunc(keys, func(key jose.JSONWebKey) bool {
		return slices.ContainsFunc(algs, func(alg string) bool { return verifies(key, alg) })
	})
}

// verifies reports whether key can verify signatures of alg.
func verifies(key jose.JSONWebKey, alg string) bool {
	own := key.Algorithm
	if own == "Ed25519" { // RFC 9864
		own = "EdDSA"
	}
	if key.Use != "" && key.Use != "sig" || own != "" && own != alg {
		return false
	}
	switch public := key.Key.(type) {
	case *rsa.PublicKey:
		return alg == "RS256" || alg == "PS256"
	case *ecdsa.PublicKey:
		return alg == "ES256" && public.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return alg == "EdDSA"
	}
	return false
}

// oddKeyError reports a key of an unsupported type, size or curve. Other keys of the set are
// not affected.
type oddKeyError string

// Error returns the requirement that the key does not meet.
func (e oddKeyError) Error() string { return string(e) }

func isOdd(err error) bool {
	_, ok := errors.AsType[oddKeyError](err)
	return ok
}

// KeyWarnings returns the reasons for which keys of a JWK Set are ignored.
func KeyWarnings(raw []byte) (warnings []string) {
	_, bad := ReadKeySet(raw)
	for _, err := range bad {
		if isOdd(err) {
			warnings = append(warnings, "jwks: "+err.Error()+"; it is ignored")
		}
	}
	return warnings
}

// onlyUsable returns the set without unsupported keys. Their private members have unknown
// names, and must not be returned in responses.
func onlyUsable(raw json.RawMessage) json.RawMessage {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	_ = json.Unmarshal(raw, &set) // it was read before
	set.Keys = slices.DeleteFunc(set.Keys, func(raw json.RawMessage) bool {
		_, err := readKey(raw)
		return err != nil
	})
	kept, _ := json.Marshal(set)
	return kept
}

// ReadKeySet returns the supported keys of a JWK Set, and an error for each other key.
//
// Spec: RFC 7517 §5, RFC 7518 §6.
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
		return nil, []error{fmt.Errorf("may contain at most %d keys", maxKeys)}
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

// readKey parses one key, which must be public, asymmetric and strong.
func readKey(raw json.RawMessage) (jose.JSONWebKey, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return jose.JSONWebKey{}, errors.New("must be a JSON object")
	}
	// go-jose parses a key with some private members as a public one, and the stored key set
	// is returned in responses.
	for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"} {
		if _, ok := members[private]; ok {
			return jose.JSONWebKey{}, errors.New("must not be private or symmetric")
		}
	}
	var key jose.JSONWebKey
	if err := key.UnmarshalJSON(raw); err != nil || !key.Valid() {
		return jose.JSONWebKey{}, oddKeyError("must be a valid RSA, EC or Ed25519 key")
	}
	switch pub := key.Key.(type) {
	case *rsa.PublicKey:
		if bits := pub.N.BitLen(); bits < minRSA || bits > maxRSA || pub.N.Bit(0) == 0 || pub.E < 3 || pub.E > maxRSAExponent || pub.E%2 == 0 {
			return jose.JSONWebKey{}, oddKeyError(fmt.Sprintf("must be RSA of %d to %d bits with an odd exponent below 2^31", minRSA, maxRSA))
		}
	case *ecdsa.PublicKey:
		if !slices.Contains([]elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()}, pub.Curve) {
			return jose.JSONWebKey{}, oddKeyError("must be on P-256, P-384 or P-521")
		}
	case ed25519.PublicKey:
	default:
		return jose.JSONWebKey{}, errors.New("must not be private or symmetric")
	}
	return key, nil
}
