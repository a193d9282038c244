// Package trustedissuer holds trusted issuers of JWT bearer assertions: the issuer, the key
// that signs its assertions, and the subjects and scopes that it may assert.
//
// A token issued for an assertion has no grant. It is valid only while the trust exists.
package trustedissuer

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

var (
	// ErrNotFound reports a trust that does not exist.
	ErrNotFound = errors.New("trusted issuer not found")
	// ErrExists reports that a trust for the same issuer, subject and key exists.
	ErrExists = errors.New("issuer is trusted already for this subject and key")
)

// Trust is the trust in one issuer with one key.
//
// Spec: RFC 7523 §3.
type Trust struct {
	ID        string
	Issuer    string // the iss of its assertions
	Subject   string // the only sub that the issuer may assert; empty for any
	Scopes    []string
	Key       jose.JSONWebKey // public, with a kid
	CreatedAt time.Time
	ExpiresAt time.Time
}

// AnySubject reports whether the issuer may assert any subject.
func (t *Trust) AnySubject() bool { return t.Subject == "" }

// Allows reports whether assertions of the issuer may request all scopes.
func (t *Trust) Allows(scopes []string) bool {
	return !slices.ContainsFunc(scopes, func(s string) bool { return !slices.Contains(t.Scopes, s) })
}

// NewID returns a random UUID (RFC 9562 §5.4), the format of Ory Hydra's trust IDs.
func NewID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

const (
	maxIssuer  = 1024 // bytes
	maxSubject = 255
	maxKID     = 256
	maxScopes  = 4096
)

// Check returns an error if the trust is invalid. Callers prefix its text with "issuer".
func (t *Trust) Check() error {
	switch {
	case !visible(t.Issuer, maxIssuer):
		return errors.New("issuer must be a text of 1 to 1024 bytes without control characters")
	case t.Subject != "" && !visible(t.Subject, maxSubject):
		return errors.New("subject must be a text of at most 255 bytes without control characters")
	case !visible(t.Key.KeyID, maxKID):
		return errors.New("jwk must have a kid of 1 to 256 bytes")
	case t.Key.Use != "" && t.Key.Use != "sig":
		return errors.New("jwk must not be for another use than sig")
	case !fits(&t.Key):
		return errors.New("jwk must be a public key for RS256, PS256, ES256 or EdDSA, and its alg one of these")
	case len(strings.Join(t.Scopes, " ")) > maxScopes || slices.ContainsFunc(t.Scopes, notScope):
		return errors.New("scope must be a list of scopes, 4096 bytes in all")
	case t.ExpiresAt.IsZero():
		return errors.New("expires_at is missing")
	default:
		return nil
	}
}

func visible(text string, most int) bool {
	return text != "" && len(text) <= most && strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) < 0
}

func notScope(s string) bool {
	return s == "" || strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) >= 0
}

// fits reports whether key makes signatures that are verified here.
func fits(key *jose.JSONWebKey) bool {
	var algs []string
	switch public := key.Key.(type) {
	case *rsa.PublicKey:
		if bits := public.N.BitLen(); bits >= 2048 && bits <= 8192 {
			algs = []string{"RS256", "PS256"}
		}
	case *ecdsa.PublicKey:
		if public.Curve == elliptic.P256() {
			algs = []string{"ES256"}
		}
	case ed25519.PublicKey:
		algs = []string{"EdDSA", "Ed25519"} // RFC 9864 adds the second name
	}
	return len(algs) > 0 && (key.Algorithm == "" || slices.Contains(algs, key.Algorithm))
}

// MarshalKey writes the public key.
func (t *Trust) MarshalKey() (string, error) {
	raw, err := t.Key.MarshalJSON()
	if err != nil {
		return "", fmt.Errorf("write key of issuer: %w", err)
	}
	return string(raw), nil
}

// UnmarshalKey reads what MarshalKey wrote.
func (t *Trust) UnmarshalKey(text string) error {
	if err := json.Unmarshal([]byte(text), &t.Key); err != nil {
		return fmt.Errorf("read key of issuer: %w", err)
	}
	return nil
}
