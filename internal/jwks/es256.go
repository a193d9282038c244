package jwks

import (
	"crypto/elliptic"
	"errors"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// es256Size is the length of r and of s in a signature (RFC 7518 §3.4).
const es256Size = 32

// rawES256 converts a DER signature to r||s.
//
// For every valid (r, s) the pair (r, -s) is valid too. Only the one with the smaller s is
// issued and accepted, so that each token has one encoding.
func rawES256(der []byte) ([]byte, error) {
	r, s := new(big.Int), new(big.Int)
	input, inner := cryptobyte.String(der), cryptobyte.String(nil)
	if !input.ReadASN1(&inner, asn1.SEQUENCE) || !input.Empty() ||
		!inner.ReadASN1Integer(r) || !inner.ReadASN1Integer(s) || !inner.Empty() ||
		r.Sign() <= 0 || s.Sign() <= 0 || r.BitLen() > 8*es256Size || s.BitLen() > 8*es256Size {
		return nil, errors.New("the signer returned an invalid ECDSA signature")
	}
	if other := new(big.Int).Sub(elliptic.P256().Params().N, s); s.Cmp(other) > 0 {
		s = other
	}
	raw := make([]byte, 2*es256Size)
	r.FillBytes(raw[:es256Size])
	s.FillBytes(raw[es256Size:])
	return raw, nil
}

// splitES256 is the inverse of rawES256. It leaves checks such as zero to ecdsa.Verify.
func splitES256(raw []byte) (r, s *big.Int, ok bool) {
	if len(raw) != 2*es256Size {
		return nil, nil, false
	}
	r = new(big.Int).SetBytes(raw[:es256Size])
	s = new(big.Int).SetBytes(raw[es256Size:])
	half := new(big.Int).Rsh(elliptic.P256().Params().N, 1)
	return r, s, s.Cmp(half) <= 0
}
