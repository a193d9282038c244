// Package keyset holds named sets of JSON Web Keys that applications store through the admin
// API for their own use, as in Ory Hydra. This server does not sign with them; its signing
// keys are in package jwks.
//
// Private keys are sealed, and bound to their set and kid.
package keyset

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	// MaxKeys is the maximum number of keys in a set.
	MaxKeys = 100
	// maxKey is the maximum size in bytes of the JSON of one key, with certificates.
	maxKey  = 16 << 10
	maxName = 255
)

var (
	// ErrNotFound reports a set or key that does not exist.
	ErrNotFound = errors.New("key not found")
	// ErrExists reports a kid that already exists in the set.
	ErrExists = errors.New("the set already contains a key with this kid")
	// ErrFull reports a set with too many keys.
	ErrFull = fmt.Errorf("a set may contain at most %d keys", MaxKeys)
)

// Key is one key of a set.
type Key struct {
	Set string
	KID string
	// Public is the public key, or the description of a symmetric key.
	Public json.RawMessage
	// Sealed is the sealed private or symmetric key; empty for a public key.
	Sealed    []byte
	CreatedAt time.Time
}

// Sealer encrypts and decrypts. A sealed value opens only for the purpose for which it was
// sealed.
type Sealer interface {
	Seal(purpose string, plaintext []byte) ([]byte, error)
	Open(purpose string, sealed []byte) ([]byte, error)
}

// Resealer is a [Sealer] whose key can be rotated.
type Resealer interface {
	Sealer
	// SealedUnderFirst reports whether sealed was sealed under the current key.
	SealedUnderFirst(sealed []byte) bool
}

// Open returns the whole key as JSON.
func (k *Key) Open(v Sealer) (json.RawMessage, error) {
	if len(k.Sealed) == 0 {
		return k.Public, nil
	}
	whole, err := v.Open(sealPurpose(k.Set, k.KID), k.Sealed)
	if err != nil {
		return nil, fmt.Errorf("open key: %w", err)
	}
	return whole, nil
}

// Reseal returns the private key sealed under the current key.
func (k *Key) Reseal(v Resealer) ([]byte, error) {
	if len(k.Sealed) == 0 || v.SealedUnderFirst(k.Sealed) {
		return k.Sealed, nil
	}
	whole, err := k.Open(v)
	if err != nil {
		return nil, err
	}
	return seal(v, k.Set, k.KID, whole)
}

func seal(v Sealer, set, kid string, whole []byte) ([]byte, error) {
	sealed, err := v.Seal(sealPurpose(set, kid), whole)
	if err != nil {
		return nil, fmt.Errorf("seal key: %w", err)
	}
	return sealed, nil
}

// sealPurpose returns the purpose that binds a sealed key to its row. It is unique, because names
// contain no spaces.
func sealPurpose(set, kid string) string { return "key of a set " + set + " " + kid }

// IsReserved reports whether set is the name of a signing key set of Ory Hydra. Under these names
// the admin API returns the signing keys of this server, which are in no named set.
func IsReserved(set string) bool {
	return set == "hydra.openid.id-token" || set == "hydra.jwt.access-token"
}

// CheckName returns an error if name is not valid for a set or a key: it must be visible
// ASCII, which is safe in paths and logs.
func CheckName(name string) error {
	if name == "" || len(name) > maxName || strings.IndexFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) >= 0 {
		return fmt.Errorf("must be 1 to %d visible ASCII characters", maxName)
	}
	return nil
}
