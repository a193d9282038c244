// Package recoverycode makes, parses and hashes the recovery codes of accounts: single-use
// codes that replace a lost second factor.
package recoverycode

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"strings"
	"unicode"
)

const (
	// Count is the number of codes in a set.
	Count = 10
	// length is the number of characters of a code: 50 random bits.
	length = 10
	// KeySize is the size in bytes of the key of the hashes of a set.
	KeySize = 32
	// alphabet is Crockford's base32. It lacks the letters I, L, O and U.
	alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	// maxEntered bounds an entered code in bytes.
	maxEntered = 64
)

// NewSet returns a new set of codes, formatted for users.
func NewSet() []string {
	codes := make([]string, Count)
	for i := range codes {
		b := make([]byte, length)
		_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
		for j := range b {
			b[j] = alphabet[int(b[j])%len(alphabet)] // 256 is a multiple of 32
		}
		codes[i] = Format(string(b))
	}
	return codes
}

// Format returns a parsed code in two groups, as users see it.
func Format(code string) string { return code[:length/2] + "-" + code[length/2:] }

// NewKey returns a new key for the hashes of a set.
func NewKey() []byte {
	key := make([]byte, KeySize)
	_, _ = rand.Read(key) // never fails: crypto/rand ends the process instead
	return key
}

// Parse normalizes an entered code: letters in either case, O as 0, I and L as 1, with or
// without spaces and hyphens. It reports false if the text cannot be a code.
func Parse(entered string) (code string, ok bool) {
	if len(entered) > maxEntered {
		return "", false
	}
	code = strings.Map(func(r rune) rune {
		switch r = unicode.ToUpper(r); {
		case r == 'O':
			return '0'
		case r == 'I' || r == 'L':
			return '1'
		case unicode.IsSpace(r) || unicode.Is(unicode.Pd, r):
			return -1
		default:
			return r
		}
	}, entered)
	return code, len(code) == length && strings.Trim(code, alphabet) == ""
}

// Hash returns the keyed hash under which the store keeps a parsed code.
func Hash(key []byte, code string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(code))
	return mac.Sum(nil)
}
