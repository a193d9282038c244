// Package keyring holds the system secrets: it seals and opens stored secrets and keys
// with them, and derives keys for single purposes.
package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
)

// ErrNoMatchingSecret reports a sealed value that none of the system secrets opens.
var ErrNoMatchingSecret = errors.New("no system secret opens it")

// minSecret is the minimum size of a system secret in bytes.
const minSecret = 32

// Keyring is the list of system secrets. The first one seals, all of them open. To rotate,
// put the new secret first and keep the old ones until everything has been resealed.
type Keyring struct {
	all []secret
}

// secret holds the keys derived from one system secret. The secret itself is not kept.
type secret struct {
	tag  byte
	prk  []byte
	aead cipher.AEAD
}

// Derived is a key derived from one system secret.
type Derived struct {
	// Tag identifies the secret. Values made with the key carry it.
	Tag byte
	Key []byte
}

// New returns a keyring of the system secrets. Its error lists every invalid secret.
func New(secrets ...string) (*Keyring, error) {
	var faults []error
	if len(secrets) == 0 {
		faults = append(faults, errors.New("a system secret is needed"))
	}
	k := &Keyring{all: make([]secret, 0, len(secrets))}
	for i, text := range secrets {
		if len(text) < minSecret {
			faults = append(faults, fmt.Errorf("system secret %d has %d bytes, fewer than %d", i+1, len(text), minSecret))
			continue
		}
		if first := slices.Index(secrets, text); first < i {
			faults = append(faults, fmt.Errorf("system secret %d repeats secret %d", i+1, first+1))
			continue
		}
		one, err := newSecret(text)
		if err != nil {
			return nil, fmt.Errorf("prepare system secret %d: %w", i+1, err)
		}
		if slices.ContainsFunc(k.all, func(other secret) bool { return other.tag == one.tag }) {
			faults = append(faults, fmt.Errorf("system secret %d has the same tag as an earlier one by chance: choose another", i+1))
			continue
		}
		k.all = append(k.all, one)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return k, nil
}

func newSecret(text string) (secret, error) {
	prk, err := hkdf.Extract(sha256.New, []byte(text), nil)
	if err != nil {
		return secret{}, fmt.Errorf("extract: %w", err)
	}
	s := secret{prk: prk}
	s.tag = s.derive("ostiary/tag")[0]
	block, err := aes.NewCipher(s.derive("ostiary/seal"))
	if err != nil {
		return secret{}, fmt.Errorf("make cipher: %w", err)
	}
	s.aead, err = cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return secret{}, fmt.Errorf("make cipher: %w", err)
	}
	return s, nil
}

func (s secret) derive(label string) []byte {
	key, err := hkdf.Expand(sha256.New, s.prk, label, sha256.Size)
	if err != nil {
		panic(err) // HKDF rejects only keys longer than 255 hashes
	}
	return key
}

// Derive returns a key of 32 bytes for the purpose label, derived from the first secret.
//
// Spec: RFC 5869 (HKDF with SHA-256).
func (k *Keyring) Derive(label string) []byte {
	return k.all[0].derive(label)
}

// DeriveAll returns the key for the purpose label of each secret, in their order.
func (k *Keyring) DeriveAll(label string) []Derived {
	derived := make([]Derived, len(k.all))
	for i, one := range k.all {
		derived[i] = Derived{Tag: one.tag, Key: one.derive(label)}
	}
	return derived
}

// Seal encrypts plaintext under the first secret with AES-256-GCM. Only [Keyring.Open] with
// the same purpose decrypts the result.
func (k *Keyring) Seal(purpose string, plaintext []byte) ([]byte, error) {
	first := k.all[0]
	sealed := make([]byte, 1, 1+len(plaintext)+first.aead.Overhead())
	sealed[0] = first.tag
	//nolint:gosec // this AEAD generates the nonce itself
	return first.aead.Seal(sealed, nil, plaintext, []byte(purpose)), nil
}

// Open decrypts a value that [Keyring.Seal] sealed for the same purpose under any of the
// secrets. It returns [ErrNoMatchingSecret] if no secret opens it.
func (k *Keyring) Open(purpose string, sealed []byte) ([]byte, error) {
	for _, one := range k.all {
		if len(sealed) == 0 || sealed[0] != one.tag {
			continue
		}
		plaintext, err := one.aead.Open(nil, nil, sealed[1:], []byte(purpose))
		if err != nil {
			return nil, ErrNoMatchingSecret
		}
		return plaintext, nil
	}
	return nil, ErrNoMatchingSecret
}

// SealedUnderFirst reports whether sealed needs no resealing.
func (k *Keyring) SealedUnderFirst(sealed []byte) bool {
	return len(sealed) > 0 && sealed[0] == k.all[0].tag
}

// Format implements [fmt.Formatter], so that no verb prints a secret.
func (k *Keyring) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "[system secrets]")
}
