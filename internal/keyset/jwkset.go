// Package keyset holds named sets of JSON Web Keys that programs of the operator's keep
// here for uses of their own, as Ory Hydra lets them. Nothing of Ostiary's signs with
// them: its own keys are those of jwks.
//
// What is private in a key is sealed, and bound to its set and name.
package keyset

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	// MaxKeys is how many keys a set may hold.
	MaxKeys = 100
	// maxKey bounds one key as it is brought, in bytes: one with certificates is long.
	maxKey  = 16 << 10
	maxName = 255
)

var (
	// ErrNotFound reports a set or key that is not there.
	ErrNotFound = errors.New("key not found")
	// ErrExists reports a key whose name is taken in its set.
	ErrExists = errors.New("the set has a key of that kid")
	// ErrFull reports a set with too many keys.
	ErrFull = fmt.Errorf("a set may hold %d keys", MaxKeys)
)

// Key is one key of a set.
type Key struct {
	Set string
	KID string
	// Public is the key without what must not be known. Of a symmetric one that is
	// nothing but its description.
	Public json.RawMessage
	// Sealed is the whole key; empty for a public one.
	Sealed    []byte
	CreatedAt time.Time
}

// Sealer seals what must be had again, and opens it. What was sealed for one purpose
// opens for no other.
type Sealer interface {
	Seal(purpose string, plaintext []byte) ([]byte, error)
	Open(purpose string, sealed []byte) ([]byte, error)
}

// Resealer is a [Sealer] whose key changes.
type Resealer interface {
	Sealer
	// SealedUnderFirst reports whether sealed is sealed as Seal would do it now.
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

// Reseal returns what to keep of the key as it would be sealed now.
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

// sealPurpose binds a sealed key to its row. No name holds a space, so that no two rows
// have one purpose.
func sealPurpose(set, kid string) string { return "key of a set " + set + " " + kid }

// IsReserved reports whether a set is one of those that Ory Hydra signs with. Under their names
// are shown the keys that this server signs with, which are none of a set here.
func IsReserved(set string) bool {
	return set == "hydra.openid.id-token" || set == "hydra.jwt.access-token"
}

// CheckName reports whether name may be that of a set or a key: visible ASCII, so that
// it can stand in a path and a log.
func CheckName(name string) error {
	if name == "" || len(name) > maxName || strings.IndexFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) >= 0 {
		return fmt.Errorf("must have 1 to %d characters of visible ASCII", maxName)
	}
	return nil
}
