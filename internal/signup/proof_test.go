package signup_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/bits"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/signup"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// solve returns the solution of a challenge, as the script of the page does.
func solve(challenge string, zeroBits int) string {
	for n := 0; ; n++ {
		proof := fmt.Sprintf("%s.%d", challenge, n)
		hash := sha256.Sum256([]byte(proof))
		if bits.LeadingZeros32(uint32(hash[0])<<24|uint32(hash[1])<<16|uint32(hash[2])<<8|uint32(hash[3])) >= zeroBits {
			return proof
		}
	}
}

// A solved challenge counts once at all replicas, for its request and until it expires.
func TestProofOfWork(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
		replica := func(key string) *signup.Proofs {
			s := storetest.Open(t, url)
			return &signup.Proofs{Keys: [][]byte{[]byte(key)}, Spent: s.Replay, Now: func() time.Time { return now }}
		}
		one, two, other := replica("key"), replica("key"), replica("other key")
		const zeroBits = 8
		check := func(what string, at *signup.Proofs, request, proof string, least int, want bool) {
			t.Helper()
			if got, err := at.Check(context.Background(), request, proof, least); err != nil || got != want {
				t.Errorf("%s: %t, %v, want %t", what, got, err, want)
			}
		}
		challenge := one.Challenge("request", zeroBits)
		proof := solve(challenge, zeroBits)
		wrong := challenge + ".x"
		for hash := sha256.Sum256([]byte(wrong)); hash[0] == 0; hash = sha256.Sum256([]byte(wrong)) {
			wrong += "x"
		}
		check("no proof", one, "request", "", 0, false)
		check("the challenge alone", one, "request", challenge, 0, false)
		check("a wrong solution", one, "request", wrong, 0, false)
		check("another request", one, "other", proof, 0, false)
		check("another key", other, "request", proof, 0, false)
		check("fewer bits than required", one, "request", proof, zeroBits+1, false)
		check("a long text", one, "request", proof+strings.Repeat(" ", 200), 0, false)
		check("an easier challenge of the browser", one, "request", solve("AA"+challenge[2:], zeroBits), 0, false)
		now = now.Add(signup.ProofLifetime + time.Second)
		check("an expired challenge", one, "request", proof, 0, false)
		now = now.Add(-2 * time.Second)
		check("a solution", two, "request", proof, zeroBits, true)
		check("the same at another replica", one, "request", proof, zeroBits, false)
		// The decoder of Base64 ignores line feeds.
		check("the same challenge in another text", one, "request", solve(challenge[:4]+"\n"+challenge[4:], zeroBits), zeroBits, false)
	})
}

func TestBitsGrowWithTheSignUps(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ network, all, want int }{
		{0, 0, signup.MinBits},
		{1, 63, signup.MinBits},
		{2, 0, signup.MinBits + 1},
		{9, 0, signup.MinBits + 3},
		{0, 64, signup.MinBits + 1},
		{0, 128, signup.MinBits + 2},
		{2, 1000, signup.MinBits + 1 + 4},
		{1 << 20, 1 << 30, signup.MaxBits},
	} {
		if got := signup.Bits(tc.network, tc.all); got != tc.want {
			t.Errorf("%d sign-ups of the network, %d of all: %d bits, want %d", tc.network, tc.all, got, tc.want)
		}
	}
}
