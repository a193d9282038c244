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

// Secret is the stored form of a client secret.
//
// A random secret is stored as a salted HMAC-SHA-256, which takes less than a microsecond to
// check. A short one, probably chosen by an operator, is stored as argon2id. The secret of a
// client with client_secret_jwt is sealed (see [SecretStore]). A secret imported from another
// server keeps that server's hash until its first use (see [Secret.IsLegacyHash]).
type Secret string

const (
	fastPrefix = "hmac-sha256$"
	// strong is the minimum length of a secret that counts as random.
	strong    = 32
	minSecret = 6
	// MaxSecret is the maximum length in bytes of a client secret.
	MaxSecret = 512
)

// ErrBadSecret reports a client secret with an invalid length.
var ErrBadSecret = errors.New("a client secret must have 6 to 512 bytes")

// Hasher hashes and verifies secrets that people chose, with a slow hash.
type Hasher interface {
	Hash(ctx context.Context, password string) (string, error)
	Verify(ctx context.Context, hash, password string) (bool, error)
}

// NewSecret returns a client secret of 256 random bits.
func NewSecret() string { return token(32) }

const (
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	digits  = "0123456789"
)

// NewAlphanumericSecret returns a client secret of 40 random letters and digits, 238 bits. Some
// applications do not encode other characters, as RFC 6749 §2.3.1 requires, or read them as
// syntax of their configuration.
func NewAlphanumericSecret() string {
	const alphabet = letters + digits
	secret := make([]byte, 0, 40)
	for random := make([]byte, 64); len(secret) < cap(secret); {
		_, _ = rand.Read(random) // never fails: crypto/rand ends the process instead
		for _, b := range random {
			// Only the 248 lowest values are used, so that each character is equally likely.
			if n := int(b); n < 4*len(alphabet) && len(secret) < cap(secret) {
				secret = append(secret, alphabet[n%len(alphabet)])
			}
		}
	}
	return string(secret)
}

// HashToken returns the stored hash of a registration access token (RFC 7592) or an initial
// access token, which are random.
func HashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// NewID returns a client_id of 130 random bits in letters and digits, so that it can be typed
// in command lines.
func NewID() string { return strings.ToLower(rand.Text()) }

// HashSecret returns the stored form of secret.
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

// Verify reports whether secret matches. An empty Secret matches no secret, and neither does a
// sealed one, which serves only for signatures.
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

// IsLegacyHash reports whether the secret has the pbkdf2 or bcrypt hash of another server.
// Such a hash does not show the length of the secret, and is replaced as soon as the secret is
// known.
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
