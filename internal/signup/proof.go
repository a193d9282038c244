package signup

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/bits"
	"strings"
	"time"
)

// ProofLifetime is how long a challenge can be solved.
const ProofLifetime = 30 * time.Minute

// The number of zero bits at the start of the SHA-256 that a solution has: each one doubles the
// computation, of which a browser does 2^MinBits in a fraction of a second.
const (
	MinBits = 13
	MaxBits = 18
)

// Proofs are proofs of work (hashcash): a browser computes a number for which the hash of challenge
// and number begins with zero bits. A user notices little of it, a program that creates many
// accounts pays for each. A challenge is authenticated and not stored; a solved one counts once.
type Proofs struct {
	Keys  [][]byte // the first issues, all check
	Spent interface {
		// ClaimOnce reports whether the caller is the first to use a key of an owner and kind.
		ClaimOnce(ctx context.Context, kind, owner, key string, until, now time.Time) (bool, error)
	}
	Now func() time.Time
}

const (
	proofNonce  = 16
	proofHeader = 1 + 8 + proofNonce // number of bits, time of issue in microseconds, random bytes
	maxProof    = 128
)

// Challenge returns a challenge for an authorization request, with a number of zero bits.
func (p *Proofs) Challenge(request string, zeroBits int) string {
	header := make([]byte, proofHeader, proofHeader+sha256.Size)
	header[0] = byte(zeroBits) //nolint:gosec // at most MaxBits
	binary.BigEndian.PutUint64(header[1:], uint64(p.Now().UnixMicro()))
	_, _ = rand.Read(header[1+8:]) // never fails
	return base64.RawURLEncoding.EncodeToString(append(header, proofMAC(p.Keys[0], request, header)...))
}

// Check reports whether proof is a solved challenge of the request with at least leastBits zero
// bits, which has not expired, and uses it up.
func (p *Proofs) Check(ctx context.Context, request, proof string, leastBits int) (bool, error) {
	challenge, _, solved := strings.Cut(proof, ".")
	sealed, err := base64.RawURLEncoding.DecodeString(challenge)
	if !solved || err != nil || len(proof) > maxProof || len(sealed) != proofHeader+sha256.Size || !p.isAuthentic(request, sealed) {
		return false, nil //nolint:nilerr // not a proof
	}
	zeroBits, issued := int(sealed[0]), time.UnixMicro(int64(binary.BigEndian.Uint64(sealed[1:]))) //nolint:gosec // authenticated
	now := p.Now()
	if zeroBits < leastBits || leadingZeros(sha256.Sum256([]byte(proof))) < zeroBits || now.Sub(issued) > ProofLifetime {
		return false, nil
	}
	first, err := p.Spent.ClaimOnce(ctx, "proof of work", "", string(sealed), issued.Add(2*ProofLifetime), now)
	if err != nil {
		return false, fmt.Errorf("spend proof of work: %w", err)
	}
	return first, nil
}

func (p *Proofs) isAuthentic(request string, sealed []byte) bool {
	for _, key := range p.Keys {
		if hmac.Equal(sealed[proofHeader:], proofMAC(key, request, sealed[:proofHeader])) {
			return true
		}
	}
	return false
}

func proofMAC(key []byte, request string, header []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(header)
	mac.Write([]byte(request))
	return mac.Sum(nil)
}

// leadingZeros returns the number of zero bits at the start of a hash.
func leadingZeros(hash [sha256.Size]byte) (n int) {
	for _, b := range hash {
		n += bits.LeadingZeros8(b)
		if b != 0 {
			break
		}
	}
	return n
}

// Bits returns the number of zero bits for a challenge: one more for each doubling of the sign-ups
// of the network in an hour, from the second, and of all networks, from the 64th.
func Bits(ofNetwork, ofAll int) int {
	log2 := func(n int) int { return max(0, bits.Len(uint(max(0, n)))-1) }
	return min(MaxBits, MinBits+log2(ofNetwork)+log2(ofAll/64*2))
}
