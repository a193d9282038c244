package clientauth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"

	"github.com/ostiary/ostiary/internal/client"
)

// maxShown is the maximum number of cached secrets.
const maxShown = 10_000

// shown caches short secrets that were accepted, so that a client pays for the slow hash once.
// It stores a MAC of the secret and its stored hash: a changed hash invalidates the entry. A
// wrong secret is never found here, and costs a slow hash.
type shown struct {
	key [sha256.Size]byte // of this process alone

	mu   sync.Mutex
	macs map[[sha256.Size]byte]struct{}
}

func newShown() *shown {
	s := &shown{macs: map[[sha256.Size]byte]struct{}{}}
	_, _ = rand.Read(s.key[:]) // never fails: crypto/rand ends the process instead
	return s
}

// mac binds secret to the client and to the stored hash. Neither contains a NUL.
func (s *shown) mac(id string, kept client.Secret, secret string) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, s.key[:])
	mac.Write([]byte(id + "\x00" + string(kept) + "\x00" + secret))
	copy(sum[:], mac.Sum(nil))
	return sum
}

// before reports whether secret was accepted before.
func (s *shown) before(id string, kept client.Secret, secret string) bool {
	sum := s.mac(id, kept, secret)
	s.mu.Lock()
	defer s.mu.Unlock()
	_, found := s.macs[sum]
	return found
}

// remember records that secret was accepted.
func (s *shown) remember(id string, kept client.Secret, secret string) {
	sum := s.mac(id, kept, secret)
	s.mu.Lock()
	defer s.mu.Unlock()
	for other := range s.macs {
		if len(s.macs) < maxShown {
			break
		}
		delete(s.macs, other)
	}
	s.macs[sum] = struct{}{}
}
