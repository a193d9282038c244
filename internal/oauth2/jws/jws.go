// Package jws reads the JSON Web Signatures that clients make: their assertions
// and their request objects.
//
// What it takes has one spelling. The keys, and the addresses of keys, that a
// header may bring are never looked at: the caller says whose keys they are, and
// which algorithms it accepts.
package jws

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// MaxLength is how many bytes of a JWS are looked at.
const MaxLength = 16 << 10

const maxKID = 256

// What is wrong with a JWS, to be read after the name of what it should have been.
var (
	ErrMalformed = errors.New("is not a compact JWS")
	ErrExtension = errors.New("demands an extension that is not supported")
	ErrKID       = errors.New("has a kid that cannot be one")
	ErrNoKey     = errors.New("was signed with a key that the client did not register")
	ErrSignature = errors.New("has a signature that does not verify")
)

// Algorithms are those of signatures by a client's own key.
func Algorithms() []string { return []string{"RS256", "PS256", "ES256", "EdDSA"} }

// JWS has been taken apart and not yet verified. Its header and payload are what
// somebody says until it is.
type JWS struct {
	Alg, KID string
	Header   Object
	Payload  Object
	// Raw is the payload as it was written.
	Raw []byte

	signed    string // header and payload, as they came
	signature []byte
}

// Parse takes apart a compact JWS: strict base64 without line breaks, and no
// member of header or payload twice.
//
// Spec: RFC 7515 §4, §7.1; RFC 8725 §3.11.
func Parse(compact string) (*JWS, error) {
	if len(compact) > MaxLength || strings.Count(compact, ".") != 2 || strings.ContainsAny(compact, "\r\n") {
		return nil, ErrMalformed
	}
	end := strings.LastIndexByte(compact, '.')
	j := &JWS{signed: compact[:end]}
	first, second, _ := strings.Cut(j.signed, ".")
	header, headerOK := decode(first)
	text, textOK := decode(second)
	signature, signatureOK := decode(compact[end+1:])
	if !headerOK || !textOK || !signatureOK {
		return nil, ErrMalformed
	}
	j.Raw, j.signature = text, signature
	if j.Header, headerOK = parseObject(header); !headerOK {
		return nil, ErrMalformed
	}
	if j.Payload, textOK = parseObject(text); !textOK {
		return nil, ErrMalformed
	}
	j.Alg, j.KID = older(j.Header.Text("alg")), j.Header.Text("kid")
	switch {
	case j.Header.Has("crit") || j.Header.Has("b64"):
		return nil, ErrExtension
	case j.Header.Has("kid") && (j.KID == "" || len(j.KID) > maxKID):
		return nil, ErrKID
	}
	return j, nil
}

// Typed reports whether the header leaves typ out, or has one of types, which are
// in lower case (RFC 7515 §4.1.9).
func (j *JWS) Typed(types ...string) bool {
	if !j.Header.Has("typ") {
		return true
	}
	typ := strings.ToLower(j.Header.Text("typ"))
	return slices.Contains(types, strings.TrimPrefix(typ, "application/"))
}

// Signed reports whether there is a signature at all.
func (j *JWS) Signed() bool { return len(j.signature) > 0 }

// Verify returns nil if one of keys made the signature. Of many that may have, it
// tries ten.
func (j *JWS) Verify(keys []jose.JSONWebKey) error {
	tried := 0
	for i := range keys {
		if !usable(&keys[i], j.Alg, j.KID) {
			continue
		}
		if j.signedBy(keys[i].Key) {
			return nil
		}
		if tried++; tried == MaxTries {
			break
		}
	}
	if tried == 0 {
		return ErrNoKey
	}
	return ErrSignature
}

// older returns the name under which an algorithm is registered here: RFC 9864
// names EdDSA with Ed25519 anew, and some libraries know only that name.
func older(alg string) string {
	if alg == "Ed25519" {
		return "EdDSA"
	}
	return alg
}

func decode(encoded string) ([]byte, bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	return raw, err == nil
}
