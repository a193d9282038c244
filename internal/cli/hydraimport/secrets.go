package hydraimport

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
)

// Secrets are the system secrets of Hydra. Any of them may have encrypted a key.
type Secrets struct{ all []cipher.AEAD }

// NewSecrets prepares system secrets.
func NewSecrets(texts ...string) (Secrets, error) {
	var s Secrets
	for _, text := range texts {
		key := sha256.Sum256([]byte(text))
		block, err := aes.NewCipher(key[:])
		if err != nil {
			return Secrets{}, fmt.Errorf("make cipher: %w", err)
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return Secrets{}, fmt.Errorf("make cipher: %w", err)
		}
		s.all = append(s.all, aead)
	}
	return s, nil
}

// open decrypts a value of Hydra: a nonce and AES-256-GCM ciphertext, in base64 with padding.
func (s Secrets) open(text string) ([]byte, bool) {
	sealed, err := base64.URLEncoding.DecodeString(text)
	if err != nil {
		return nil, false
	}
	for _, aead := range s.all {
		size := aead.NonceSize()
		if len(sealed) < size {
			return nil, false
		}
		if plain, err := aead.Open(nil, sealed[:size], sealed[size:], nil); err == nil {
			return plain, true
		}
	}
	return nil, false
}

// Format implements [fmt.Formatter], so that no verb prints a secret.
func (s Secrets) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[system secrets]") }
