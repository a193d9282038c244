// Package randx draws random letters. Only fosite's device user codes ask for
// them, which Ostiary does not use.
package randx

import (
	"crypto/rand"
	"math/big"
)

// AlphaUpper are the upper-case letters.
var AlphaUpper = []rune("ABCDEFGHIJKLMNOPQRSTUVWXYZ")

// RuneSequence returns n runes drawn evenly from allowed.
func RuneSequence(n int, allowed []rune) ([]rune, error) {
	drawn := make([]rune, 0, n)
	limit := big.NewInt(int64(len(allowed)))
	for range n {
		i, err := rand.Int(rand.Reader, limit)
		if err != nil {
			return nil, err
		}
		drawn = append(drawn, allowed[i.Int64()])
	}
	return drawn, nil
}
