package jwks

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"
)

// Rotate replaces the signing key of alg, or of every algorithm if alg is empty, as soon as
// the next key has been published for a cache lifetime: immediately, or later in
// [Manager.Run]. It always publishes a new next key immediately. Concurrent calls cause one
// rotation.
//
// It returns the resulting keys of alg, or of every algorithm.
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

// Reseal seals every key under the first system secret and returns the number of keys that
// it changed. Afterwards the other secrets can be removed.
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

// Import publishes an existing private key as the next key of alg. It replaces the last of
// the next keys.
func (m *Manager) Import(ctx context.Context, alg Algorithm, signer crypto.Signer) error {
	if !slices.Contains(m.config.Algorithms, alg) {
		return fmt.Errorf("import key for %q: %w", alg, ErrUnknownKey)
	}
	imported, err := sealKey(m.config.Keyring, alg, signer)
	if err != nil {
		return fmt.Errorf("import key: %w: %w", ErrUnsuitable, err)
	}
	// Opening it detects a weak key, or a public key that does not match the private key.
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

// command applies the change that plan returns for the stored keys, and retries if another
// replica changed them concurrently. It returns when every replica uses the change.
func (r *rotator) command(ctx context.Context, plan func(*snapshot) (change, error)) error {
	if err := r.applyCommand(ctx, plan); err != nil {
		return err
	}
	if r.config.Settle != nil {
		r.config.Settle(ctx) // after unlocking: requests may need the edit lock
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
