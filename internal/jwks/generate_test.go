package jwks

import "testing"

// One key ID in 64 would begin with a hyphen, and be taken for a flag by
// "ostiary keys withdraw".
func TestNoKeyIDLooksLikeAFlag(t *testing.T) {
	t.Parallel()

	for range 2000 {
		signer, err := generate(EdDSA)
		if err != nil {
			t.Fatal(err)
		}
		if kid, err := KID(signer.Public()); err != nil || kid[0] == '-' {
			t.Fatalf("KID = %q, %v, want one that does not begin with a hyphen", kid, err)
		}
	}
}
