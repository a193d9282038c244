package credential

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// Legacy hashes are verified up to these costs, which take about a second.
const (
	maxRounds     = 1_000_000
	maxBcryptCost = 14
	// maxBcrypt is how many bytes bcrypt uses: it cannot tell longer secrets with the same
	// beginning apart.
	maxBcrypt = 72
)

// legacyHash is a hash that another server made: PBKDF2 or bcrypt.
type legacyHash interface {
	matches(secret string) (bool, error)
}

// CheckLegacyHash returns [ErrBadHash] unless hash is a PBKDF2 or bcrypt hash that
// [Hasher.Verify] accepts. It computes no hash.
func CheckLegacyHash(hash string) error {
	_, err := parseLegacyHash(hash)
	return err
}

// parseLegacyHash parses a hash in one of the two forms that Ory Hydra has for client
// secrets.
func parseLegacyHash(s string) (legacyHash, error) {
	if strings.HasPrefix(s, "$pbkdf2-") {
		return parsePBKDF2(s)
	}
	return parseBcrypt(s)
}

type bcryptHash string

func parseBcrypt(s string) (legacyHash, error) {
	if len(s) != 60 || !strings.HasPrefix(s, "$2a$") && !strings.HasPrefix(s, "$2b$") && !strings.HasPrefix(s, "$2y$") {
		return nil, ErrBadHash
	}
	notBcrypt := func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && r != '.' && r != '/'
	}
	cost, err := bcrypt.Cost([]byte(s))
	if err != nil || cost > maxBcryptCost || s[6] != '$' || strings.IndexFunc(s[7:], notBcrypt) >= 0 {
		return nil, ErrBadHash
	}
	return bcryptHash(s), nil
}

func (h bcryptHash) matches(secret string) (bool, error) {
	if len(secret) > maxBcrypt {
		return false, nil
	}
	err := bcrypt.CompareHashAndPassword([]byte(h), []byte(secret))
	if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, nil
	}
	if err != nil {
		return false, ErrBadHash
	}
	return true, nil
}

type pbkdf2Hash struct {
	digest    func() hash.Hash
	rounds    int
	salt, key []byte
}

// parsePBKDF2 parses $pbkdf2-sha256$i=25000,l=32$salt$key.
func parsePBKDF2(s string) (legacyHash, error) {
	var h pbkdf2Hash
	parts := strings.Split(s, "$")
	if len(parts) != 5 || strings.ContainsAny(s, "\r\n") {
		return nil, ErrBadHash // base64 would skip line ends
	}
	switch parts[1] {
	case "pbkdf2-sha256":
		h.digest = sha256.New
	case "pbkdf2-sha512":
		h.digest = sha512.New
	default:
		return nil, ErrBadHash
	}
	var length int
	const costs = "i=%d,l=%d"
	_, err := fmt.Sscanf(parts[2], costs, &h.rounds, &length)
	if err != nil || parts[2] != fmt.Sprintf(costs, h.rounds, length) {
		return nil, ErrBadHash
	}
	if h.rounds < 1000 || h.rounds > maxRounds || length < 16 || length > 64 {
		return nil, ErrBadHash
	}
	if h.salt, err = base64.RawStdEncoding.Strict().DecodeString(parts[3]); err != nil || len(h.salt) < 8 || len(h.salt) > 64 {
		return nil, ErrBadHash
	}
	if h.key, err = base64.RawStdEncoding.Strict().DecodeString(parts[4]); err != nil || len(h.key) != length {
		return nil, ErrBadHash
	}
	return h, nil
}

func (h pbkdf2Hash) matches(secret string) (bool, error) {
	key, err := pbkdf2.Key(h.digest, secret, h.salt, h.rounds, len(h.key))
	if err != nil {
		return false, fmt.Errorf("derive key: %w", err)
	}
	return subtle.ConstantTimeCompare(key, h.key) == 1, nil
}
