// Package jws verifies the JSON Web Signatures of clients: client assertions and request
// objects.
//
// It accepts exactly one encoding. It ignores keys and key URLs in the header: the caller
// passes the keys and the accepted algorithms.
package jws

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// MaxLength is the maximum size of a JWS in bytes.
const MaxLength = 16 << 10

const maxKID = 256

// Errors of a JWS. Callers prefix their text with the name of the object.
var (
	ErrMalformed = errors.New("is not a compact JWS")
	ErrExtension = errors.New("requires an extension that is not supported")
	ErrKID       = errors.New("has an invalid kid")
	ErrNoKey     = errors.New("was signed with a key that the client did not register")
	ErrSignature = errors.New("has an invalid signature")
)

// Algorithms returns the supported algorithms with a public key.
func Algorithms() []string { return []string{"RS256", "PS256", "ES256", "EdDSA"} }

// JWS is a parsed JWS. Its header and payload are not verified before [JWS.Verify].
type JWS struct {
	Alg, KID string
	Header   Object
	Payload  Object
	// Raw is the payload as sent.
	Raw []byte

	signed    string // header and payload, unchanged
	signature []byte
}

// Parse parses a compact JWS: strict base64url without line breaks, and no repeated member in
// header or payload.
//
// Spec: RFC 7515 §4, §7.1, RFC 8725 §3.11.
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
	if j.Header, headerOK = ParseObject(header); !headerOK {
		return nil, ErrMalformed
	}
	if j.Payload, textOK = ParseObject(text); !textOK {
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

// Typed reports whether the header has no typ, or one of types, which are in lower case (RFC
// 7515 §4.1.9).
func (j *JWS) Typed(types ...string) bool {
	if !j.Header.Has("typ") {
		return true
	}
	typ := strings.ToLower(j.Header.Text("typ"))
	return slices.Contains(types, strings.TrimPrefix(typ, "application/"))
}

// Signed reports whether the JWS has a signature.
func (j *JWS) Signed() bool { return len(j.signature) > 0 }

// Verify returns nil if one of keys made the signature. It tries at most ten keys.
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

// older returns the registered name of an algorithm: RFC 9864 renames EdDSA with Ed25519, and
// some libraries use only the new name.
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
