package jwks

import (
	"crypto/sha256"
	"sync"
)

const (
	// verifiedEach bounds one generation of what is remembered. Two are kept: less
	// than 10 MB of tokens of the usual size.
	verifiedEach = 4096
	// verifiedLongest is the longest token that is remembered.
	verifiedLongest = 2048
)

// verified remembers tokens whose signature was found good, under a hash of the
// whole token: the same one is shown again and again for as long as it lives, and
// to verify ES256 costs more than all the rest of an introspection.
//
// A signature that is good stays good. Whether the key is still ours, the type
// wanted, and everything that changes with time is asked anew for each.
//
// A full generation becomes the old one and what was old is forgotten.
type verified struct {
	mu         sync.Mutex
	young, old map[[sha256.Size]byte]signedBy
}

// signedBy is what a good token holds. It is shared: nobody may change it.
type signedBy struct {
	kid, typ string
	payload  []byte
}

// get returns what is remembered under sum.
func (v *verified) get(sum [sha256.Size]byte) (signedBy, bool) {
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
func (v *verified) put(sum [sha256.Size]byte, token signedBy) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.add(sum, token)
}

func (v *verified) add(sum [sha256.Size]byte, token signedBy) {
	if v.young == nil || len(v.young) >= verifiedEach {
		v.young, v.old = map[[sha256.Size]byte]signedBy{}, v.young
	}
	v.young[sum] = token
}
