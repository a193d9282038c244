package jwks

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// ErrSigning reports a key that tokens are being signed with.
var ErrSigning = errors.New("tokens are signed with this key")

// Export returns the keys as the store has them now, in the order in which they are
// published, hint keys left out. With private they hold their private halves, except for those that are
// remembered.
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

// Remove takes a key out of the key set, at the word of an operator who knows that
// nothing good is signed with it: tokens that were are refused from then on. The current
// key of an algorithm stays, with [ErrSigning]: it is to be rotated first. A next one is
// followed by another.
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
