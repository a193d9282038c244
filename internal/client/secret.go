package client

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Secret is what the store keeps of a client secret.
//
// A secret of full entropy is kept as a salted HMAC-SHA-256, which costs less
// than a microsecond to compare. A short one, which somebody thought of, is kept
// as argon2id. That of a client that signs with it is sealed (see [SecretStore]). One that
// came over from another server stays in that one's form until it is first shown (see
// [Secret.IsLegacyHash]).
type Secret string

const (
	fastPrefix = "hmac-sha256$"
	// strong is the length from which a secret counts as made by a machine.
	strong    = 32
	minSecret = 6
	// MaxSecret is the greatest number of bytes of a client secret.
	MaxSecret = 512
)

// ErrBadSecret reports a client secret that may not be set.
var ErrBadSecret = errors.New("a client secret has 6 to 512 bytes")

// Hasher hashes and verifies secrets that people thought of.
type Hasher interface {
	Hash(ctx context.Context, password string) (string, error)
	Verify(ctx context.Context, hash, password string) (bool, error)
}

// NewSecret returns a client secret of 256 random bits.
func NewSecret() string { return token(32) }

// HashToken returns what is kept of a registration access token (RFC 7592) or an initial
// one, which are random.
func HashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// NewID returns a client_id of 130 random bits, in letters and digits alone: it is
// typed into command lines.
func NewID() string { return strings.ToLower(rand.Text()) }

// HashSecret returns what to keep of secret.
func HashSecret(ctx context.Context, slow Hasher, secret string) (Secret, error) {
	if len(secret) < minSecret || len(secret) > MaxSecret {
		return "", ErrBadSecret
	}
	if len(secret) < strong {
		hash, err := slow.Hash(ctx, secret)
		if err != nil {
			return "", fmt.Errorf("hash client secret: %w", err)
		}
		return Secret(hash), nil
	}
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails: crypto/rand ends the process instead
	b64 := base64.RawURLEncoding.EncodeToString
	return Secret(fastPrefix + b64(salt) + "$" + b64(fastMAC(salt, secret))), nil
}

// Verify reports whether secret is the one kept. An empty Secret fits nothing, and
// a sealed one is for signing with alone.
func (s Secret) Verify(ctx context.Context, slow Hasher, secret string) (bool, error) {
	if s == "" || s.IsSealed() || secret == "" || len(secret) > MaxSecret {
		return false, nil
	}
	rest, fast := strings.CutPrefix(string(s), fastPrefix)
	if !fast {
		ok, err := slow.Verify(ctx, string(s), secret)
		if err != nil {
			return false, fmt.Errorf("verify client secret: %w", err)
		}
		return ok, nil
	}
	salt64, mac64, _ := strings.Cut(rest, "$")
	salt, err := base64.RawURLEncoding.DecodeString(salt64)
	if err != nil {
		return false, fmt.Errorf("read client secret: %w", err)
	}
	mac, err := base64.RawURLEncoding.DecodeString(mac64)
	if err != nil {
		return false, fmt.Errorf("read client secret: %w", err)
	}
	return subtle.ConstantTimeCompare(fastMAC(salt, secret), mac) == 1, nil
}

// IsLegacyHash reports whether the secret is hashed as another server did it, with pbkdf2 or
// bcrypt. Such a hash says nothing about the secret's length, and is to be replaced by
// one of ours as soon as the secret is known.
func (s Secret) IsLegacyHash() bool {
	return strings.HasPrefix(string(s), "$pbkdf2-") || strings.HasPrefix(string(s), "$2")
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func fastMAC(salt []byte, secret string) []byte {
	mac := hmac.New(sha256.New, salt)
	mac.Write([]byte(secret))
	return mac.Sum(nil)
}

func token(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	return base64.RawURLEncoding.EncodeToString(b)
}
