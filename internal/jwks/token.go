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

	"github.com/ostiary/ostiary/internal/admission"
)

// Limits in bytes for tokens to verify. Tokens of this server are far smaller.
const (
	maxToken  = 64 << 10
	maxHeader = 512
)

// encoding is the strict base64url encoding of RFC 7515 §2. The decoder skips line breaks, so
// callers must reject them first.
func encoding() *base64.Encoding { return base64.RawURLEncoding.Strict() }

// headerStart returns the start of the header of all tokens of a key, up to the typ.
func headerStart(alg Algorithm, kid string) string {
	return `{"alg":"` + string(alg) + `","kid":"` + kid + `"`
}

// Sign returns a compact JWS over payload, signed with the current key of alg. If typ is
// empty the header has no typ.
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
		return "", fmt.Errorf("sign: typ %q is not a media type", typ)
	}
	token, err := k.token(ctx, typ, payload, m.signing)
	if err != nil {
		return "", fmt.Errorf("sign with %s: %w", alg, err)
	}
	return token, nil
}

// SignClaims encodes claims as JSON and signs them, see [Manager.Sign].
func (m *Manager) SignClaims(ctx context.Context, alg Algorithm, typ string, claims any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encode claims: %w", err)
	}
	return m.Sign(ctx, alg, typ, payload)
}

// token signs payload with k.
func (k *key) token(ctx context.Context, typ string, payload []byte, queue *admission.Queue) (string, error) {
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
	signature, err := k.sign(ctx, token, queue)
	if err != nil {
		return "", err
	}
	token = append(token, '.')
	return string(b64.AppendEncode(token, signature)), nil
}

// Verify verifies the signature of a compact JWS and returns its payload and kid. The typ must
// equal an element of typs, ignoring case and the prefix "application/"; "" matches a
// missing typ. The caller checks times and audiences. The payload is shared between calls
// and must not be changed.
//
// It returns [ErrBadToken], joined with [ErrUnknownKey] or [ErrBadSignature] if that is the
// reason, or [ErrStale] if the keys cannot be read now.
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
		return nil, "", errors.New("the token is too long")
	}
	sum := sha256.Sum256([]byte(token))
	good, known := m.signatures.Get(sum)
	if known {
		_, err = m.lookupFor(use, good.kid)
	} else {
		good, err = m.verifySignature(use, token)
	}
	if err != nil {
		return nil, "", err
	}
	if !known && len(token) <= maxCachedToken {
		m.signatures.Put(sum, good)
	}
	if !slices.ContainsFunc(typs, func(want string) bool { return sameType(good.typ, want) }) {
		return nil, "", fmt.Errorf("typ %q is not accepted here", good.typ)
	}
	return good.payload, good.kid, nil
}

// verifySignature parses a token and verifies its signature.
func (m *Manager) verifySignature(use purpose, token string) (good verifiedToken, err error) {
	if strings.ContainsAny(token, "\r\n") {
		return good, errors.New("the token contains a line break")
	}
	signed, signature, _ := cutLast(token)
	header, body, ok := strings.Cut(signed, ".")
	if !ok || strings.Contains(body, ".") {
		return good, errors.New("the token does not have three parts")
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
		return good, errors.New("the alg is not the algorithm of the key")
	}
	raw, err := encoding().DecodeString(signature)
	if err != nil || !k.verify([]byte(signed), raw) {
		return good, ErrBadSignature
	}
	if k.signer == nil && typ != "" && !sameType(typ, "JWT") {
		// ID tokens of another server are accepted as hints. Its access tokens are not:
		// that server's keys may be known to others.
		return good, errors.New("a foreign key signs only ID tokens")
	}
	payload, err := encoding().DecodeString(body)
	if err != nil {
		return good, errors.New("the payload is not base64url")
	}
	return verifiedToken{kid, typ, payload}, nil
}

// readHeader parses a header in exactly the form that Sign writes. It rejects any other
// member, such as crit, b64, jwk, jku, x5u or a second alg: it would become part of a value,
// and each value must equal a known one.
func readHeader(encoded string) (alg Algorithm, kid, typ string, err error) {
	malformed := errors.New("the header does not have the form of this server")
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

// isMediaType reports whether s contains only characters of media types, none of which JSON
// escapes.
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
