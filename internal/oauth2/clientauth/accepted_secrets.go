package clientauth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"

	"github.com/ostiary/ostiary/internal/cache"
	"github.com/ostiary/ostiary/internal/client"
)

// maxAccepted is the maximum number of cached secrets.
const maxAccepted = 10_000

// acceptedSecrets caches short secrets that were accepted, so that a client pays for the slow
// hash once. It stores a MAC of the secret and its stored hash: a changed hash invalidates
// the entry. A wrong secret is never found here, and costs a slow hash.
type acceptedSecrets struct {
	key  [sha256.Size]byte // random, for this process
	macs *cache.Map[[sha256.Size]byte, struct{}]
}

func newAcceptedSecrets() *acceptedSecrets {
	s := &acceptedSecrets{macs: cache.NewMap[[sha256.Size]byte, struct{}](maxAccepted)}
	_, _ = rand.Read(s.key[:]) // never fails: crypto/rand ends the process instead
	return s
}

// mac binds secret to the client and to the stored hash. Neither contains a NUL.
func (s *acceptedSecrets) mac(id string, stored client.Secret, secret string) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, s.key[:])
	mac.Write([]byte(id + "\x00" + string(stored) + "\x00" + secret))
	copy(sum[:], mac.Sum(nil))
	return sum
}

// has reports whether secret was accepted before.
func (s *acceptedSecrets) has(id string, stored client.Secret, secret string) bool {
	_, found := s.macs.Get(s.mac(id, stored, secret))
	return found
}

// add records that secret was accepted.
func (s *acceptedSecrets) add(id string, stored client.Secret, secret string) {
	s.macs.Put(s.mac(id, stored, secret), struct{}{})
}
