package clientauth

import (
	"encoding/base64"
	"slices"
	"strings"
)

const (
	maxAssertion = 16 << 10
	maxKID       = 256
)

// algorithms are those an assertion may be signed with.
func algorithms() []string { return []string{"RS256", "PS256", "ES256", "EdDSA"} }

// jws is an assertion that has been taken apart and not yet verified.
type jws struct {
	alg, kid  string
	payload   object
	signed    string // header and payload, as they came
	signature []byte
}

// parseJWS takes apart a compact JWS. It has one spelling: strict base64 without
// line breaks, and no JSON member twice. The keys and addresses of keys that a
// header may bring are never looked at.
//
// Spec: RFC 7515 §4, §7.1; RFC 8725 §3.1, §3.11.
func parseJWS(compact string) (jws, error) {
	broken := unacceptable("the assertion is not a compact JWS")
	if len(compact) > maxAssertion || strings.Count(compact, ".") != 2 || strings.ContainsAny(compact, "\r\n") {
		return jws{}, broken
	}
	end := strings.LastIndexByte(compact, '.')
	j := jws{signed: compact[:end]}
	first, second, _ := strings.Cut(j.signed, ".")
	header, headerOK := decodeObject(first)
	payload, payloadOK := decodeObject(second)
	signature, err := strictBase64(compact[end+1:])
	if err != nil || !headerOK || !payloadOK {
		return jws{}, broken
	}
	j.payload, j.signature = payload, signature
	j.alg, j.kid = older(header.text("alg")), header.text("kid")
	switch {
	case !slices.Contains(algorithms(), j.alg):
		return jws{}, unacceptable("alg of the assertion must be RS256, PS256, ES256 or EdDSA")
	case header.has("crit") || header.has("b64"):
		return jws{}, unacceptable("the assertion demands an extension that is not supported")
	case header.has("typ") && !assertionTyp(header.text("typ")):
		return jws{}, unacceptable("typ of the assertion is for another use")
	case header.has("kid") && (j.kid == "" || len(j.kid) > maxKID):
		return jws{}, unacceptable("kid of the assertion cannot be one")
	}
	return j, nil
}

// older returns the name under which an algorithm is registered here: RFC 9864
// names EdDSA with Ed25519 anew, and some libraries know only that name.
func older(alg string) string {
	if alg == "Ed25519" {
		return "EdDSA"
	}
	return alg
}

// assertionTyp reports whether typ is that of a client assertion (RFC 7515 §4.1.9;
// the second is rfc7523bis's).
func assertionTyp(typ string) bool {
	typ = strings.TrimPrefix(strings.ToLower(typ), "application/")
	return typ == "jwt" || typ == "client-authentication+jwt"
}

func decodeObject(encoded string) (object, bool) {
	raw, err := strictBase64(encoded)
	if err != nil {
		return nil, false
	}
	return parseObject(raw)
}

func strictBase64(encoded string) ([]byte, error) {
	return base64.RawURLEncoding.Strict().DecodeString(encoded)
}
