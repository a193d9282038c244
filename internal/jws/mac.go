package jws

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"slices"
)

// MACs returns the algorithms with a client secret.
func MACs() []string { return []string{"HS256", "HS384", "HS512"} }

// MAC reports whether the alg is one of [MACs]. Such a JWS is verified with a secret, and
// never with a public key, which is not secret.
func (j *JWS) MAC() bool { return slices.Contains(MACs(), j.Alg) }

// VerifyMAC returns nil if secret made the signature. A secret shorter than the hash is not a
// valid key (RFC 7518 §3.2).
func (j *JWS) VerifyMAC(secret []byte) error {
	var maker func() hash.Hash
	switch j.Alg {
	case "HS256":
		maker = sha256.New
	case "HS384":
		maker = sha512.New384
	case "HS512":
		maker = sha512.New
	default:
		return ErrNoKey
	}
	mac := hmac.New(maker, secret)
	if len(secret) < mac.Size() {
		return ErrNoKey
	}
	mac.Write([]byte(j.signed))
	if !hmac.Equal(mac.Sum(nil), j.signature) {
		return ErrSignature
	}
	return nil
}
