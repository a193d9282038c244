package credential

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/scrypt"
)

// maxScryptMemory is the memory in bytes up to which scrypt hashes are verified.
const maxScryptMemory = 128 << 20

// parseForeignHash parses the hashes of [parseLegacyHash], and those of Django, Firebase and
// scrypt.
func parseForeignHash(s string) (legacyHash, error) {
	switch {
	case strings.HasPrefix(s, "pbkdf2_sha256$"):
		return parseDjango(s)
	case strings.HasPrefix(s, "$scrypt$"), strings.HasPrefix(s, "$firescrypt$"):
		return parseScrypt(s)
	default:
		return parseLegacyHash(s)
	}
}

// parseDjango parses pbkdf2_sha256$600000$salt$key. The salt is text.
func parseDjango(s string) (legacyHash, error) {
	parts := strings.Split(s, "$")
	if len(parts) != 4 || strings.ContainsAny(s, "\r\n") || parts[2] == "" || len(parts[2]) > 64 {
		return nil, ErrBadHash
	}
	rounds, err := strconv.Atoi(parts[1])
	if err != nil || strconv.Itoa(rounds) != parts[1] || rounds < 1000 || rounds > maxRounds {
		return nil, ErrBadHash
	}
	key, err := base64.StdEncoding.Strict().DecodeString(parts[3])
	if err != nil || len(key) != sha256.Size {
		return nil, ErrBadHash
	}
	return pbkdf2Hash{digest: sha256.New, rounds: rounds, salt: []byte(parts[2]), key: key}, nil
}

// scryptHash is a hash by scrypt, or by the variant of Firebase, which encrypts its signer key
// with the result.
//
// Spec: RFC 7914 §2.
type scryptHash struct {
	logN, r, p             int
	salt, key              []byte
	isFirebase             bool
	saltSeparator, signKey []byte
}

// parseScrypt parses $scrypt$ln=15,r=8,p=1$salt$key and
// $firescrypt$ln=14,r=8,p=1$salt$key$separator$signer.
func parseScrypt(s string) (legacyHash, error) {
	var h scryptHash
	parts := strings.Split(s, "$")
	h.isFirebase = parts[1] == "firescrypt"
	if want := map[bool]int{false: 5, true: 7}[h.isFirebase]; len(parts) != want || strings.ContainsAny(s, "\r\n") {
		return nil, ErrBadHash // base64 would skip line ends
	}
	const costs = "ln=%d,r=%d,p=%d"
	_, err := fmt.Sscanf(parts[2], costs, &h.logN, &h.r, &h.p)
	if err != nil || parts[2] != fmt.Sprintf(costs, h.logN, h.r, h.p) {
		return nil, ErrBadHash
	}
	if h.logN < 10 || h.logN > 20 || h.r < 1 || h.r > 32 || h.p < 1 || h.p > 4 || 128*h.r<<h.logN > maxScryptMemory {
		return nil, ErrBadHash
	}
	fields := []*[]byte{&h.salt, &h.key, &h.saltSeparator, &h.signKey}
	for i, text := range parts[3:] {
		// Both base64 with and without padding are in use.
		if *fields[i], err = base64.RawStdEncoding.Strict().DecodeString(strings.TrimRight(text, "=")); err != nil || len(text) > 256 {
			return nil, ErrBadHash
		}
	}
	if len(h.salt) < 4 || len(h.key) < 16 || len(h.key) > 64 || h.isFirebase && len(h.signKey) != len(h.key) {
		return nil, ErrBadHash
	}
	return h, nil
}

func (h scryptHash) matches(secret string) (bool, error) {
	if !h.isFirebase {
		key, err := scrypt.Key([]byte(secret), h.salt, 1<<h.logN, h.r, h.p, len(h.key))
		return err == nil && subtle.ConstantTimeCompare(key, h.key) == 1, err
	}
	key, err := scrypt.Key([]byte(secret), append(slices.Clip(h.salt), h.saltSeparator...), 1<<h.logN, h.r, h.p, 32)
	if err != nil {
		return false, fmt.Errorf("derive key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return false, fmt.Errorf("encrypt signer key: %w", err)
	}
	sealed := make([]byte, len(h.signKey))
	cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(sealed, h.signKey) //nolint:gosec // defined so by Firebase
	return subtle.ConstantTimeCompare(sealed, h.key) == 1, nil
}

// dummy returns a hash with the costs of h that no password matches, in the form of the text s.
func (h scryptHash) dummy(s string) string {
	zeros := func(n int) string { return base64.RawStdEncoding.EncodeToString(make([]byte, n)) }
	parts := strings.Split(s, "$")
	parts[3], parts[4] = zeros(len(h.salt)), zeros(len(h.key))
	return strings.Join(parts, "$")
}
