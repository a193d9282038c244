package keyset

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Shorter RSA keys are unsafe, and longer ones take minutes to generate.
const (
	minRSABits = 2048
	maxRSABits = 8192
	newRSABits = 3072
	// minSymmetric is the minimum size in bytes of a symmetric key (RFC 7518 §3.2, for the
	// smallest hash).
	minSymmetric = 32
)

// Keys generates and parses the keys of sets, and seals them with Sealer.
type Keys struct {
	Sealer Sealer
	Now    func() time.Time
}

// Parse parses the JSON of one key for a set. Without a kid in the JSON the key gets kid, or
// its thumbprint (RFC 7638) if that is empty. A different kid in the JSON is an error.
//
// Spec: RFC 7517 §4.
func (ks Keys) Parse(set, kid string, raw []byte) (*Key, error) {
	jwk, err := parse(raw)
	if err != nil {
		return nil, err
	}
	if kid != "" && jwk.KeyID != "" && jwk.KeyID != kid {
		return nil, errors.New("kid differs from the requested one")
	}
	if jwk.KeyID == "" {
		jwk.KeyID = kid
	}
	if jwk.KeyID == "" {
		if jwk.KeyID, err = thumbprint(jwk); err != nil {
			return nil, err
		}
	}
	return ks.keep(set, jwk)
}

// ParseSet parses the JSON of a key set.
//
// Spec: RFC 7517 §5.
func (ks Keys) ParseSet(set string, raw []byte) ([]*Key, error) {
	var body struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(raw, &body); err != nil || body.Keys == nil {
		return nil, errors.New("the key set must be an object whose member keys is a list")
	}
	if len(body.Keys) > MaxKeys {
		return nil, ErrFull
	}
	keys := make([]*Key, 0, len(body.Keys))
	names := make(map[string]bool, len(body.Keys))
	for i, one := range body.Keys {
		key, err := ks.Parse(set, "", one)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		if names[key.KID] {
			return nil, fmt.Errorf("key %d: another one has its kid", i+1)
		}
		names[key.KID] = true
		keys = append(keys, key)
	}
	return keys, nil
}

// Generate generates a key for alg: RS256, ES256, ES512 or EdDSA. If kid is empty the key
// gets its thumbprint.
func (ks Keys) Generate(set, alg, use, kid string) (*Key, error) {
	if use != "" && use != "sig" && use != "enc" {
		return nil, errors.New("use must be sig or enc")
	}
	jwk := &jose.JSONWebKey{Algorithm: alg, KeyID: kid, Use: use}
	if use == "" {
		jwk.Use = "sig"
	}
	var err error
	switch alg {
	case "RS256":
		jwk.Key, err = rsa.GenerateKey(rand.Reader, newRSABits)
	case "ES256":
		jwk.Key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES512":
		jwk.Key, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "EdDSA":
		_, jwk.Key, err = ed25519.GenerateKey(rand.Reader)
	default:
		return nil, errors.New("alg must be one of RS256, ES256, ES512 and EdDSA")
	}
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	if jwk.KeyID == "" {
		if jwk.KeyID, err = thumbprint(jwk); err != nil {
			return nil, err
		}
	}
	return ks.keep(set, jwk)
}

func (ks Keys) keep(set string, jwk *jose.JSONWebKey) (*Key, error) {
	if err := CheckName(jwk.KeyID); err != nil {
		return nil, fmt.Errorf("kid %w", err)
	}
	whole, err := json.Marshal(jwk)
	if err != nil {
		return nil, errors.New("is a key that cannot be written")
	}
	key := &Key{Set: set, KID: jwk.KeyID, Public: whole, CreatedAt: ks.Now()}
	if jwk.IsPublic() {
		return key, nil
	}
	if key.Public, err = describe(jwk); err != nil {
		return nil, err
	}
	key.Sealed, err = seal(ks.Sealer, set, jwk.KeyID, whole)
	return key, err
}

// describe returns the public members of a private or symmetric key.
func describe(jwk *jose.JSONWebKey) (json.RawMessage, error) {
	var known any = jwk.Public()
	if _, symmetric := jwk.Key.([]byte); symmetric {
		members := map[string]string{"kty": "oct", "kid": jwk.KeyID}
		if jwk.Algorithm != "" {
			members["alg"] = jwk.Algorithm
		}
		if jwk.Use != "" {
			members["use"] = jwk.Use
		}
		known = members
	}
	text, err := json.Marshal(known)
	if err != nil {
		return nil, errors.New("is a key that cannot be written")
	}
	return text, nil
}

// parse parses a key and checks its type and strength.
func parse(raw []byte) (*jose.JSONWebKey, error) {
	if len(raw) > maxKey {
		return nil, fmt.Errorf("must have at most %d bytes", maxKey)
	}
	var jwk jose.JSONWebKey
	if err := json.Unmarshal(bytes.TrimSpace(raw), &jwk); err != nil {
		return nil, errors.New("is not a JSON Web Key") // the parser's error may contain parts of the key
	}
	for _, text := range []string{jwk.Algorithm, jwk.Use} {
		if len(text) > maxName || strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) >= 0 {
			return nil, errors.New("has an alg or use that cannot be one")
		}
	}
	switch key := jwk.Key.(type) {
	case []byte:
		if len(key) < minSymmetric {
			return nil, fmt.Errorf("is a symmetric key of fewer than %d bytes", minSymmetric)
		}
	case *rsa.PublicKey:
		return &jwk, checkRSA(&jwk, key)
	case *rsa.PrivateKey:
		return &jwk, checkRSA(&jwk, &key.PublicKey)
	default:
		if !jwk.Valid() {
			return nil, errors.New("is a key of a kind that is not known, or that cannot be one")
		}
	}
	return &jwk, nil
}

func checkRSA(jwk *jose.JSONWebKey, key *rsa.PublicKey) error {
	if bits := key.N.BitLen(); bits < minRSABits || bits > maxRSABits {
		return fmt.Errorf("is an RSA key of %d bits, which are not within %d and %d", bits, minRSABits, maxRSABits)
	}
	if !jwk.Valid() {
		return errors.New("is an RSA key that cannot be one")
	}
	return nil
}

func thumbprint(jwk *jose.JSONWebKey) (string, error) {
	sum, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", errors.New("needs a kid")
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}
