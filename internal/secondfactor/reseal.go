package secondfactor

import (
	"context"
	"fmt"

	"github.com/ostiary/ostiary/internal/keyring"
)

// Sealed is a sealed value of an account: the secret of an authenticator app, or the hash
// key of its recovery codes, whose ID is empty.
type Sealed struct {
	Subject, ID string
	Value       []byte
}

// SealedStore lists and replaces sealed values.
type SealedStore interface {
	// ListSealed returns up to limit values in the order of subject and ID, after those of
	// the value after.
	ListSealed(ctx context.Context, after Sealed, limit int) ([]Sealed, error)
	// ReplaceSealed replaces the value of old unless it has changed.
	ReplaceSealed(ctx context.Context, old Sealed, value []byte) error
}

// Reseal encrypts with the first system secret all values that are encrypted with another
// one, and returns how many.
func Reseal(ctx context.Context, s SealedStore, secrets *keyring.Keyring) (count int, err error) {
	const page = 200
	for last := (Sealed{}); ; {
		list, err := s.ListSealed(ctx, last, page)
		if err != nil {
			return count, fmt.Errorf("list second factors: %w", err)
		}
		for _, last = range list {
			if secrets.SealedUnderFirst(last.Value) {
				continue
			}
			if err := reseal(ctx, s, secrets, last); err != nil {
				return count, fmt.Errorf("second factor of account %q: %w", last.Subject, err)
			}
			count++
		}
		if len(list) < page {
			return count, nil
		}
	}
}

func reseal(ctx context.Context, s SealedStore, secrets *keyring.Keyring, one Sealed) error {
	purpose := authenticatorPurpose(one.Subject, one.ID)
	if one.ID == "" {
		purpose = hashKeyPurpose(one.Subject)
	}
	value, err := secrets.Open(purpose, one.Value)
	if err != nil {
		return err
	}
	if value, err = secrets.Seal(purpose, value); err != nil {
		return err
	}
	return s.ReplaceSealed(ctx, one, value)
}
