package jwks

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

// minSecret is the fewest bytes that a system secret may have.
const minSecret = 32

// Keyring are the system secrets: the first seals, all open. A new secret is
// put first while the old ones stay until everything has been sealed anew.
type Keyring struct {
	all []secret
}

// secret is one system secret, ready for use. The secret itself is not kept.
type secret struct {
	tag  byte
	prk  []byte
	aead cipher.AEAD
}

// Derived is a key derived from one system secret.
type Derived struct {
	// Tag names the secret, so that what was made under it can say so.
	Tag byte
	Key []byte
}

// NewKeyring prepares the system secrets. Its error lists every fault.
func NewKeyring(secrets ...string) (*Keyring, error) {
	var faults []error
	if len(secrets) == 0 {
		faults = append(faults, errors.New("a system secret is needed"))
	}
	s := &Keyring{all: make([]secret, 0, len(secrets))}
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
		if slices.ContainsFunc(s.all, func(other secret) bool { return other.tag == one.tag }) {
			faults = append(faults, fmt.Errorf("system secret %d has the same tag as an earlier one by chance: choose another", i+1))
			continue
		}
		s.all = append(s.all, one)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return s, nil
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
		panic(err) // only a far longer key than this one can be refused
	}
	return key
}

// Derive returns 32 bytes for one purpose from the first secret (HKDF with
// SHA-256, RFC 5869).
func (s *Keyring) Derive(label string) []byte {
	return s.all[0].derive(label)
}

// DeriveAll is [Keyring.Derive] for each secret, the first one first.
func (s *Keyring) DeriveAll(label string) []Derived {
	derived := make([]Derived, len(s.all))
	for i, one := range s.all {
		derived[i] = Derived{Tag: one.tag, Key: one.derive(label)}
	}
	return derived
}

// Seal encrypts plaintext under the first secret for one purpose (AES-256-GCM).
func (s *Keyring) Seal(purpose string, plaintext []byte) ([]byte, error) {
	first := s.all[0]
	sealed := make([]byte, 1, 1+len(plaintext)+first.aead.Overhead())
	sealed[0] = first.tag
	//nolint:gosec // this AEAD draws a random nonce itself and takes none
	return first.aead.Seal(sealed, nil, plaintext, []byte(purpose)), nil
}

// Open decrypts what [Keyring.Seal] made for the same purpose under any of the
// secrets, and returns [ErrSealed] when none fits.
func (s *Keyring) Open(purpose string, sealed []byte) ([]byte, error) {
	for _, one := range s.all {
		if len(sealed) == 0 || sealed[0] != one.tag {
			continue
		}
		plaintext, err := one.aead.Open(nil, nil, sealed[1:], []byte(purpose))
		if err != nil {
			return nil, ErrSealed
		}
		return plaintext, nil
	}
	return nil, ErrSealed
}

// SealedUnderFirst reports whether sealed needs no resealing.
func (s *Keyring) SealedUnderFirst(sealed []byte) bool {
	return len(sealed) > 0 && sealed[0] == s.all[0].tag
}

// Format keeps the secrets out of every printed text, whatever the verb.
func (s *Keyring) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "[system secrets]")
}
