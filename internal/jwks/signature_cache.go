package jwks

import (
	"crypto/sha256"
	"sync"
)

const (
	// verifiedEach bounds one generation of what is remembered. Two are kept: less
	// than 10 MB of tokens of the usual size.
	signatureGeneration = 4096
	// verifiedLongest is the longest token that is remembered.
	maxCachedToken = 2048
)

// verified remembers tokens whose signature was found good, under a hash of the
// whole token: the same one is shown again and again for as long as it lives, and
// to verify ES256 costs more than all the rest of an introspection.
//
// A signature that is good stays good. Whether the key is still ours, the type
// wanted, and everything that changes with time is asked anew for each.
//
// A full generation becomes the old one and what was old is forgotten.
type signatureCache struct {
	mu         sync.Mutex
	young, old map[[sha256.Size]byte]verifiedToken
}

// signedBy is what a good token holds. It is shared: nobody may change it.
type verifiedToken struct {
	kid, typ string
	payload  []byte
}

// get returns what is remembered under sum.
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

// put remembers a token.
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
