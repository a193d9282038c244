package jwks

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// ErrSigning reports that a key is the current signing key.
var ErrSigning = errors.New("tokens are signed with this key")

// Export returns the stored keys in the order of the published key set, without hint keys.
// If private is true the keys include their private halves, which foreign keys do not have.
func (m *Manager) Export(ctx context.Context, private bool) ([]jose.JSONWebKey, error) {
	unlock, err := m.keys.edit(ctx)
	if err != nil {
		return nil, fmt.Errorf("export keys: %w", err)
	}
	defer unlock()

	v, err := m.keys.reload(ctx)
	if err != nil {
		return nil, fmt.Errorf("export keys: %w", err)
	}
	keys := make([]jose.JSONWebKey, 0, len(v.records))
	for _, r := range v.records {
		if r.State == Hint {
			continue
		}
		k := v.keys[r.KID]
		jwk := k.public
		if private && k.signer != nil {
			jwk.Key = k.signer
		}
		keys = append(keys, jwk)
	}
	return keys, nil
}

// Remove removes a key from the key set, and with it the validity of the tokens that it
// signed. It returns [ErrSigning] for the current key of an algorithm, which must be rotated
// first, and [ErrUnknownKey] for an unknown kid. A removed next key is replaced.
func (m *Manager) Remove(ctx context.Context, kid string) error {
	err := m.rotator.command(ctx, func(v *snapshot) (change, error) {
		k := v.keys[kid]
		switch {
		case k == nil:
			return change{}, ErrUnknownKey
		case k.record.State == Current:
			return change{}, ErrSigning
		}
		return change{remove: []string{kid}}, nil
	})
	if err != nil {
		return fmt.Errorf("remove key: %w", err)
	}
	return nil
}
