package jwks

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Bounds on what Verify looks at: ours are far smaller, and a stranger's work
// for us ends here.
const (
	maxToken  = 64 << 10
	maxHeader = 512
)

// encoding is the one spelling of RFC 7515 §2, given that line breaks, which
// the decoder would skip, have been refused before.
func encoding() *base64.Encoding { return base64.RawURLEncoding.Strict() }

// headerStart is the header of every token of one key, up to its typ.
func headerStart(alg Algorithm, kid string) string {
	return `{"alg":"` + string(alg) + `","kid":"` + kid + `"`
}

// Sign makes a compact JWS over payload with the current key of alg. The header
// has no typ when typ is empty.
//
// Spec: RFC 7515 §5.1, §7.1.
func (m *Manager) Sign(ctx context.Context, alg Algorithm, typ string, payload []byte) (string, error) {
	v, err := m.keys.usableSnapshot(ctx)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	k, ok := v.current[alg]
	if !ok {
		return "", fmt.Errorf("sign with %q: %w", alg, ErrUnknownKey)
	}
	if !isMediaType(typ) {
		return "", fmt.Errorf("sign: typ %q is no media type", typ)
	}
	token, err := k.token(ctx, typ, payload, m.limiter)
	if err != nil {
		return "", fmt.Errorf("sign with %s: %w", alg, err)
	}
	return token, nil
}

// SignClaims is [Manager.Sign] over claims encoded as JSON.
func (m *Manager) SignClaims(ctx context.Context, alg Algorithm, typ string, claims any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encode claims: %w", err)
	}
	return m.Sign(ctx, alg, typ, payload)
}

// token signs payload with k.
func (k *key) token(ctx context.Context, typ string, payload []byte, d signingLimiter) (string, error) {
	header := k.header + "}"
	if typ != "" {
		header = k.header + `,"typ":"` + typ + `"}`
	}
	b64 := base64.RawURLEncoding
	size := b64.EncodedLen(len(header)) + 1 + b64.EncodedLen(len(payload)) + 1 + b64.EncodedLen(k.signatureSize())
	token := make([]byte, 0, size)
	token = b64.AppendEncode(token, []byte(header))
	token = append(token, '.')
	token = b64.AppendEncode(token, payload)
	signature, err := k.sign(ctx, token, d)
	if err != nil {
		return "", err
	}
	token = append(token, '.')
	return string(b64.AppendEncode(token, signature)), nil
}

// Verify returns the payload of a compact JWS that one of our keys signed and
// whose typ is one of typs: compared without case and without "application/",
// where "" stands for no typ at all. Times and audiences are the caller's. The
// payload is shared with those who verify the same token: nobody may change it.
//
// Its error is [ErrBadToken], together with [ErrUnknownKey] or [ErrBadSignature] where that
// is the fault, or [ErrStale] when the answer cannot be known now.
//
// Spec: RFC 7515 §5.2, RFC 8725 §3.
func (m *Manager) Verify(token string, typs ...string) (payload []byte, kid string, err error) {
	payload, kid, err = m.verifyFor(forToken, token, typs)
	if err != nil && !errors.Is(err, ErrStale) {
		err = fmt.Errorf("%w: %w", ErrBadToken, err)
	}
	return payload, kid, err
}

func (m *Manager) verifyFor(use purpose, token string, typs []string) (payload []byte, kid string, err error) {
	if len(token) > maxToken {
		return nil, "", errors.New("it is too long")
	}
	sum := sha256.Sum256([]byte(token))
	good, known := m.signatures.get(sum)
	if known {
		_, err = m.lookupFor(use, good.kid)
	} else {
		good, err = m.verifySignature(use, token)
	}
	if err != nil {
		return nil, "", err
	}
	if !known && len(token) <= maxCachedToken {
		m.signatures.put(sum, good)
	}
	if !slices.ContainsFunc(typs, func(want string) bool { return sameType(good.typ, want) }) {
		return nil, "", fmt.Errorf("its typ %q is for another use", good.typ)
	}
	return good.payload, good.kid, nil
}

// verifyAnew reads a token and verifies its signature.
func (m *Manager) verifySignature(use purpose, token string) (good verifiedToken, err error) {
	if strings.ContainsAny(token, "\r\n") {
		return good, errors.New("it contains a line break")
	}
	signed, signature, _ := cutLast(token)
	header, body, ok := strings.Cut(signed, ".")
	if !ok || strings.Contains(body, ".") {
		return good, errors.New("it has not three parts")
	}
	alg, kid, typ, err := readHeader(header)
	if err != nil {
		return good, err
	}
	k, err := m.lookupFor(use, kid)
	if err != nil {
		return good, err
	}
	if alg != k.record.Algorithm {
		return good, errors.New("its algorithm is not its key's")
	}
	raw, err := encoding().DecodeString(signature)
	if err != nil || !k.verify([]byte(signed), raw) {
		return good, ErrBadSignature
	}
	if k.signer == nil && typ != "" && !sameType(typ, "JWT") {
		// Of another server only ID tokens mean something here, as hints. What opens anything
		// is ours, whoever may hold that server's keys.
		return good, errors.New("its key is another server's")
	}
	payload, err := encoding().DecodeString(body)
	if err != nil {
		return good, errors.New("its payload is no base64url")
	}
	return verifiedToken{kid, typ, payload}, nil
}

// readHeader reads a header of the one form that Sign writes. A token of ours
// has no other, so crit, b64, jwk, jku, x5u, a second alg and whatever else is
// invented are refused without being understood: they are at best part of a
// value, and each value has to equal one that we know.
func readHeader(encoded string) (alg Algorithm, kid, typ string, err error) {
	malformed := errors.New("its header is none of ours")
	if len(encoded) > maxHeader {
		return "", "", "", malformed
	}
	raw, err := encoding().DecodeString(encoded)
	if err != nil {
		return "", "", "", malformed
	}
	rest, opened := strings.CutPrefix(string(raw), `{"alg":"`)
	rest, closed := strings.CutSuffix(rest, `"}`)
	first, rest, two := strings.Cut(rest, `","kid":"`)
	kid, typ, typed := strings.Cut(rest, `","typ":"`)
	if !opened || !closed || !two || typed && typ == "" {
		return "", "", "", malformed
	}
	return Algorithm(first), kid, typ, nil
}

// plain reports whether s stands in JSON as itself and can be a media type.
func isMediaType(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune("-_+./", r)
	}) < 0
}

// sameType compares media types as RFC 7515 §4.1.9 does.
func sameType(got, want string) bool {
	const prefix = "application/"
	short := func(typ string) string {
		if len(typ) > len(prefix) && strings.EqualFold(typ[:len(prefix)], prefix) {
			return typ[len(prefix):]
		}
		return typ
	}
	return strings.EqualFold(short(got), short(want))
}

// cutLast splits token before its last dot.
func cutLast(token string) (before, after string, ok bool) {
	i := strings.LastIndexByte(token, '.')
	if i < 0 {
		return token, "", false
	}
	return token[:i], token[i+1:], true
}
