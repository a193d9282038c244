package authrequest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Step is the part of a flow that a custom app handles. Its value is the last digit of the
// challenges for it.
type Step byte

// The steps.
const (
	StepLogin   Step = '1'
	StepConsent Step = '2'
	StepLogout  Step = '3'
	StepDevice  Step = '4'
)

// Challenge returns the challenge of the request with the ID id for the step.
func (s Step) Challenge(id string) string { return id + string(s) }

// NewID returns a new request ID of 124 random bits in 31 hexadecimal digits. With the
// digit of a step appended it is a challenge.
func NewID() string { return random(16)[:31] }

// Challenge returns the challenge of the request for the step.
func (r *Request) Challenge(s Step) string { return s.Challenge(r.ID) }

// ParseChallenge returns the request ID of a challenge. It reports false if the text is not
// a challenge for the step.
func ParseChallenge(challenge string, s Step) (id string, ok bool) {
	id, ok = strings.CutSuffix(challenge, string(s))
	return id, ok && len(id) == 31 && strings.Trim(id, "0123456789abcdef") == ""
}

// NewVerifier returns a new verifier for an answered challenge: the challenge and 128 random
// bits, in 64 hexadecimal digits. The browser returns with it from the app.
func NewVerifier(challenge string) string { return challenge + random(16) }

// ParseVerifier returns the request ID and the stored hash of a verifier. It reports false if
// the text is not a verifier for the step.
func ParseVerifier(verifier string, s Step) (id string, hash []byte, ok bool) {
	if len(verifier) != 64 {
		return "", nil, false
	}
	id, ok = ParseChallenge(verifier[:32], s)
	return id, HashVerifier(verifier), ok
}

// HashVerifier returns the SHA-256 of a verifier. The store keeps only this hash.
func HashVerifier(verifier string) []byte {
	sum := sha256.Sum256([]byte(verifier))
	return sum[:]
}

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	return hex.EncodeToString(b)
}
