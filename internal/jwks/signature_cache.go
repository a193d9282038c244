package jwks

import (
	"crypto/sha256"
	"sync"
)

const (
	// signatureGeneration is the capacity of one of the two generations of the cache:
	// together less than 10 MB of tokens of the usual size.
	signatureGeneration = 4096
	// maxCachedToken is the size in bytes of the longest token that is cached.
	maxCachedToken = 2048
)

// signatureCache caches tokens with a valid signature under the SHA-256 of the token. Clients
// present the same token repeatedly, and an ES256 verification costs more than the rest of
// an introspection.
//
// A valid signature stays valid. The key, the type and everything that depends on time are
// checked for every use.
//
// A full young generation becomes the old one, and the previous old one is dropped.
type signatureCache struct {
	mu         sync.Mutex
	young, old map[[sha256.Size]byte]verifiedToken
}

// verifiedToken is the content of a verified token. It is shared and must not be changed.
type verifiedToken struct {
	kid, typ string
	payload  []byte
}

// get returns the cached token with the hash sum.
func (v *signatureCache) get(sum [sha256.Size]byte) (verifiedToken, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	found, ok := v.young[sum]
	if ok {
		return found, true
	}
	if found, ok = v.old[sum]; ok {
		v.add(sum, found)
	}
	return found, ok
}

// put caches a token under its hash.
func (v *signatureCache) put(sum [sha256.Size]byte, token verifiedToken) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.add(sum, token)
}

func (v *signatureCache) add(sum [sha256.Size]byte, token verifiedToken) {
	if v.young == nil || len(v.young) >= signatureGeneration {
		v.young, v.old = map[[sha256.Size]byte]verifiedToken{}, v.young
	}
	v.young[sum] = token
}
