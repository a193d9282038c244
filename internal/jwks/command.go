package jwks

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"
)

// Rotate replaces the signing key of alg, or of every algorithm when alg is
// empty, as soon as the next key has been published for a cache lifetime: at
// once, or when [Manager.Run] finds that it has. In either case a new key is
// published at once. Of rotations asked for at the same moment one happens.
//
// It returns the keys that it was asked about, as they are then.
func (m *Manager) Rotate(ctx context.Context, alg Algorithm) ([]Record, error) {
	algs := m.config.Algorithms
	if alg != "" {
		algs = []Algorithm{alg}
	}
	if !slices.Contains(m.config.Algorithms, algs[0]) {
		return nil, fmt.Errorf("rotate %q: %w", alg, ErrUnknownKey)
	}
	var began *snapshot
	err := m.rotator.command(ctx, func(v *snapshot) (change, error) {
		if began == nil {
			began = v
		}
		return m.rotator.planRotation(v, slices.DeleteFunc(slices.Clone(algs), func(alg Algorithm) bool {
			return v.lineOf(alg).rotatedSince(began.lineOf(alg))
		}))
	})
	if err != nil {
		return nil, fmt.Errorf("rotate keys: %w", err)
	}
	return m.keys.current.Load().list(alg), nil
}

// Reseal seals under the first system secret every key that is not, and returns
// how many. After it the other secrets can go.
func (m *Manager) Reseal(ctx context.Context) (int, error) {
	var count int
	err := m.rotator.command(ctx, func(v *snapshot) (ch change, err error) {
		for _, r := range v.records {
			if m.config.Keyring.SealedUnderFirst(r.Sealed) {
				continue
			}
			if r.Sealed, err = reseal(m.config.Keyring, v.keys[r.KID]); err != nil {
				return change{}, err
			}
			ch.put = append(ch.put, r)
		}
		count = len(ch.put)
		return ch, nil
	})
	if err != nil {
		return 0, fmt.Errorf("reseal keys: %w", err)
	}
	return count, nil
}

// Import publishes a private key made elsewhere as the next key of alg, in the
// place of the one that was to be the last to sign.
func (m *Manager) Import(ctx context.Context, alg Algorithm, signer crypto.Signer) error {
	if !slices.Contains(m.config.Algorithms, alg) {
		return fmt.Errorf("import key for %q: %w", alg, ErrUnknownKey)
	}
	imported, err := sealKey(m.config.Keyring, alg, signer)
	if err != nil {
		return fmt.Errorf("import key: %w: %w", ErrUnsuitable, err)
	}
	// Opening it finds a key that is weak, or whose halves do not belong together.
	if _, err := openKey(m.config.Keyring, imported); err != nil {
		return fmt.Errorf("import key: %w: %w", ErrUnsuitable, err)
	}
	err = m.rotator.command(ctx, func(v *snapshot) (change, error) {
		if known := v.keys[imported.KID]; known != nil {
			return change{}, fmt.Errorf("%w: %s is the %s key of %s", ErrExists, imported.KID, known.record.State, known.record.Algorithm)
		}
		imported.PublishedAt = m.keys.timestamp()
		ch := change{put: []Record{imported}}
		if next := v.lineOf(alg).next; len(next) > 0 {
			ch.remove = []string{next[len(next)-1].KID}
		}
		return ch, nil
	})
	if err != nil {
		return fmt.Errorf("import key: %w", err)
	}
	return nil
}

// command applies what plan makes of the store's keys, and plans anew when
// another replica was faster. It returns when every replica follows.
func (r *rotator) command(ctx context.Context, plan func(*snapshot) (change, error)) error {
	if err := r.applyCommand(ctx, plan); err != nil {
		return err
	}
	if r.config.Settle != nil {
		r.config.Settle(ctx) // requests need the right to edit meanwhile
	}
	return nil
}

func (r *rotator) applyCommand(ctx context.Context, plan func(*snapshot) (change, error)) error {
	unlock, err := r.keys.edit(ctx)
	if err != nil {
		return err
	}
	defer unlock()

	v, err := r.keys.reload(ctx)
	if err != nil {
		return fmt.Errorf("load keys: %w", err)
	}
	for range maxAttempts {
		ch, err := plan(v)
		if err != nil {
			return err
		}
		if err = r.apply(ctx, v, ch); !errors.Is(err, ErrConflict) {
			return err
		}
		v = r.keys.current.Load()
	}
	return ErrConflict
}
