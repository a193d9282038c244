package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"math/big"

	"github.com/go-jose/go-jose/v4"
)

const (
	// MaxTries is the maximum number of keys tried for one JWS without a kid.
	MaxTries = 10
	// Shorter RSA keys are too weak, and longer ones cost too much processor time.
	minRSABits, maxRSABits = 2048, 8192
	// es256Half is the size of r and of s in a signature (RFC 7518 §3.4).
	es256Half = 32
)

// usable reports whether key matches the header of the JWS.
//
// Spec: RFC 7517 §4, RFC 7518 §3.
func usable(key *jose.JSONWebKey, alg, kid string) bool {
	if kid != "" && key.KeyID != kid ||
		key.Use != "" && key.Use != "sig" ||
		key.Algorithm != "" && older(key.Algorithm) != alg {
		return false
	}
	switch public := key.Key.(type) {
	case *rsa.PublicKey:
		bits := public.N.BitLen()
		return (alg == "RS256" || alg == "PS256") && bits >= minRSABits && bits <= maxRSABits
	case *ecdsa.PublicKey:
		return alg == "ES256" && public.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return alg == "EdDSA" && len(public) == ed25519.PublicKeySize
	default:
		return false
	}
}

// signedBy reports whether key made the signature.
func (j *JWS) signedBy(key any) bool {
	sum := sha256.Sum256([]byte(j.signed))
	switch public := key.(type) {
	case *rsa.PublicKey:
		if j.Alg == "PS256" {
			salt := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
			return rsa.VerifyPSS(public, crypto.SHA256, sum[:], j.signature, salt) == nil
		}
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], j.signature) == nil
	case *ecdsa.PublicKey:
		if len(j.signature) != 2*es256Half {
			return false
		}
		r := new(big.Int).SetBytes(j.signature[:es256Half])
		s := new(big.Int).SetBytes(j.signature[es256Half:])
		return ecdsa.Verify(public, sum[:], r, s)
	case ed25519.PublicKey:
		return ed25519.Verify(public, []byte(j.signed), j.signature)
	default:
		return false
	}
}
