package dpop

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/jws"
)

// coordinate is the size of a coordinate of P-256 and of an Ed25519 key, in bytes.
const coordinate = 32

// publicKey returns the key of the header jwk and its thumbprint. It accepts only the members of a
// public key, each in its one encoding, so that a key has one thumbprint.
//
// Spec: RFC 9449 §4.2, RFC 7518 §6, RFC 8037 §2, RFC 7638 §3.
func publicKey(jwk jws.Object) (key any, thumbprint string, ok bool) {
	if slices.ContainsFunc([]string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}, jwk.Has) {
		return nil, "", false
	}
	switch jwk.Text("kty") + " " + jwk.Text("crv") {
	case "EC P-256":
		return ellipticKey(jwk)
	case "OKP Ed25519":
		return edwardsKey(jwk)
	case "RSA ":
		return rsaKey(jwk)
	default:
		return nil, "", false
	}
}

func ellipticKey(jwk jws.Object) (key any, thumbprint string, ok bool) {
	x, xOK := octets(jwk.Text("x"), coordinate)
	y, yOK := octets(jwk.Text("y"), coordinate)
	if !xOK || !yOK {
		return nil, "", false
	}
	const uncompressed = 4
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), bytes.Join([][]byte{{uncompressed}, x, y}, nil))
	if err != nil {
		return nil, "", false
	}
	return public, hash(`{"crv":"P-256","kty":"EC","x":"` + jwk.Text("x") + `","y":"` + jwk.Text("y") + `"}`), true
}

func edwardsKey(jwk jws.Object) (key any, thumbprint string, ok bool) {
	x, ok := octets(jwk.Text("x"), coordinate)
	return ed25519.PublicKey(x), hash(`{"crv":"Ed25519","kty":"OKP","x":"` + jwk.Text("x") + `"}`), ok
}

func rsaKey(jwk jws.Object) (key any, thumbprint string, ok bool) {
	n, nOK := octets(jwk.Text("n"), 0)
	e, eOK := octets(jwk.Text("e"), 0)
	const longestExponent = 4 // bytes
	if !nOK || !eOK || len(n) == 0 || n[0] == 0 || len(e) == 0 || e[0] == 0 || len(e) > longestExponent {
		return nil, "", false
	}
	exponent := new(big.Int).SetBytes(e)
	if !exponent.IsInt64() || exponent.Int64() < 3 || exponent.Int64() > 1<<31-1 || exponent.Bit(0) == 0 {
		return nil, "", false
	}
	public := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent.Int64())}
	return public, hash(`{"e":"` + jwk.Text("e") + `","kty":"RSA","n":"` + jwk.Text("n") + `"}`), true
}

// octets decodes base64url, of size bytes unless size is 0.
func octets(encoded string, size int) ([]byte, bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	return raw, err == nil && !strings.ContainsAny(encoded, "\r\n") && (size == 0 || len(raw) == size)
}

// IsThumbprint reports whether text is a SHA-256 thumbprint in base64url.
func IsThumbprint(text string) bool {
	_, ok := octets(text, sha256.Size)
	return ok
}

// hash returns the SHA-256 of text in base64url, as thumbprints and ath have it.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
