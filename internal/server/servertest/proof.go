package servertest

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"strconv"
)

// SolveProof returns the proof of work of a page, as its script computes it; "" for a page without.
func SolveProof(p Response) string {
	hasChallenge := func(a map[string]string) bool { return a["data-challenge"] != "" }
	challenge := p.Attribute("data-challenge", hasChallenge)
	zeroBits, err := strconv.Atoi(p.Attribute("data-bits", hasChallenge))
	if challenge == "" || err != nil {
		return ""
	}
	for n := 0; ; n++ {
		proof := challenge + "." + strconv.Itoa(n)
		hash := sha256.Sum256([]byte(proof))
		if bits.LeadingZeros32(binary.BigEndian.Uint32(hash[:])) >= zeroBits {
			return proof
		}
	}
}
