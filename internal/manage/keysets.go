package manage

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/ostiary/ostiary/internal/keyset"
)

// InvalidKeyError reports a key or key set that cannot be stored. Reason is the rest of a
// sentence about the key; for a generated key it begins with the name of the parameter.
type InvalidKeyError struct{ Reason string }

// Error implements error.
func (e *InvalidKeyError) Error() string { return e.Reason }

// KeySetStore changes key sets.
type KeySetStore interface {
	// InsertKey returns keyset.ErrExists if the set has a key with the kid. All methods
	// return keyset.ErrFull if the set would have too many keys.
	InsertKey(ctx context.Context, k *keyset.Key) error
	PutKeys(ctx context.Context, keys ...*keyset.Key) error
	ReplaceKeySet(ctx context.Context, set string, keys []*keyset.Key) error
}

// KeySets generates and imports the keys of named key sets. Deleting a key or a set is one
// call of the store.
type KeySets struct {
	Store KeySetStore
	Keys  keyset.Keys // parses, generates and seals keys
}

// CheckKeySetName returns an error if a key set cannot have the name: it is not valid, or
// reserved for the signing keys.
func CheckKeySetName(name string) error {
	if keyset.IsReserved(name) {
		return fmt.Errorf("the key set %s contains the signing keys: manage them with ostiary keys", name)
	}
	if err := keyset.CheckName(name); err != nil {
		return fmt.Errorf("the name of a key set %w", err)
	}
	return nil
}

// Generate adds a new key to a set. The kid is by default the thumbprint of the key.
func (m *KeySets) Generate(ctx context.Context, set, alg, use, kid string) (*keyset.Key, error) {
	key, err := m.Keys.Generate(set, alg, use, kid)
	if err != nil {
		return nil, &InvalidKeyError{err.Error()}
	}
	return key, m.Store.InsertKey(ctx, key)
}

// Put adds a JWK to a set, or replaces the key with the same kid. A kid that is not empty must
// be that of the JWK.
func (m *KeySets) Put(ctx context.Context, set, kid string, jwk []byte) (*keyset.Key, error) {
	key, err := m.Keys.Parse(set, kid, jwk)
	if err != nil {
		return nil, &InvalidKeyError{err.Error()}
	}
	return key, m.Store.PutKeys(ctx, key)
}

// Replace replaces all keys of a set by those of a JWK Set.
func (m *KeySets) Replace(ctx context.Context, set string, jwks []byte) ([]*keyset.Key, error) {
	keys, err := m.Keys.ParseSet(set, jwks)
	if err != nil {
		return nil, &InvalidKeyError{err.Error()}
	}
	return keys, m.Store.ReplaceKeySet(ctx, set, keys)
}

// Import adds a JWK, or the keys of a JWK Set, to a set. Keys with the same kid are replaced.
func (m *KeySets) Import(ctx context.Context, set string, text []byte) ([]*keyset.Key, error) {
	var members struct {
		Keys json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &members); err == nil && members.Keys == nil {
		key, err := m.Put(ctx, set, "", text)
		return []*keyset.Key{key}, err
	}
	keys, err := m.Keys.ParseSet(set, text)
	if err != nil {
		return nil, &InvalidKeyError{err.Error()}
	}
	return keys, m.Store.PutKeys(ctx, keys...)
}
