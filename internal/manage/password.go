package manage

import (
	"crypto/rand"
	"strings"
)

// NewPassword generates a password: 60 random bits in letters that are easy to type.
func NewPassword() string {
	const letters = "abcdefghijkmnopqrstuvwxyz2345678"
	b := make([]byte, 12)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	var s strings.Builder
	for i, c := range b {
		if i > 0 && i%4 == 0 {
			s.WriteByte('-')
		}
		s.WriteByte(letters[c&31])
	}
	return s.String()
}
