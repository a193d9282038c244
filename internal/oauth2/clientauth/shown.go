package clientauth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"

	"github.com/ostiary/ostiary/internal/client"
)

// maxShown is how many secrets are remembered, of as many clients.
const maxShown = 10_000

// shown remembers the short secrets that were right, so that a client pays for the slow
// hash once and not with each request. It holds no secret, but a MAC of it together
// with what is kept of it: when that changes, nothing is remembered. Whatever is wrong
// is not found here, and costs what it always costs.
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

// mac binds secret to the client and to what is kept. No id and no kept form holds a NUL.
func (s *shown) mac(id string, kept client.Secret, secret string) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, s.key[:])
	mac.Write([]byte(id + "\x00" + string(kept) + "\x00" + secret))
	copy(sum[:], mac.Sum(nil))
	return sum
}

// before reports whether secret was right before.
func (s *shown) before(id string, kept client.Secret, secret string) bool {
	sum := s.mac(id, kept, secret)
	s.mu.Lock()
	defer s.mu.Unlock()
	_, found := s.macs[sum]
	return found
}

// remember notes that secret is right.
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
