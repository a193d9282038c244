package authrequest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Step is what an app of the operator's is asked about an authorization request.
type Step byte

// The steps. Each is the last digit of its challenges.
const (
	StepLogin   Step = '1'
	StepConsent Step = '2'
	StepLogout  Step = '3'
	StepDevice  Step = '4'
)

// Challenge returns the name under which an app asks for what has the id.
func (s Step) Challenge(id string) string { return id + string(s) }

// NewID returns a fresh id of an authorization request, of 124 random bits
// in 31 hexadecimal digits: with the digit of a step it is a challenge.
func NewID() string { return random(16)[:31] }

// Challenge returns the name under which an app asks for the request.
func (r *Request) Challenge(s Step) string { return s.Challenge(r.ID) }

// ParseChallenge returns the id of the request of a challenge, and whether it can
// be one of the step.
func ParseChallenge(challenge string, s Step) (id string, ok bool) {
	id, ok = strings.CutSuffix(challenge, string(s))
	return id, ok && len(id) == 31 && strings.Trim(id, "0123456789abcdef") == ""
}

// NewVerifier returns what a person brings back from an app that has answered the
// challenge: the challenge and 128 random bits more, in 64 hexadecimal digits.
func NewVerifier(challenge string) string { return challenge + random(16) }

// ParseVerifier returns the id of the request of a verifier, and what the store
// knows the verifier by.
func ParseVerifier(verifier string, s Step) (id string, hash []byte, ok bool) {
	if len(verifier) != 64 {
		return "", nil, false
	}
	id, ok = ParseChallenge(verifier[:32], s)
	return id, HashVerifier(verifier), ok
}

// HashVerifier returns what the store knows a verifier by.
func HashVerifier(verifier string) []byte {
	sum := sha256.Sum256([]byte(verifier))
	return sum[:]
}

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	return hex.EncodeToString(b)
}
