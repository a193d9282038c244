package jwks

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
)

// FuzzVerify looks for a token that Verify accepts and Sign would not have
// written. The key is fixed, so that the seeds contain valid tokens, and Ed25519
// signatures are deterministic, so that both tokens can be compared byte by byte.
func FuzzVerify(f *testing.F) {
	m, _, _ := started(f, EdDSA)
	seed := sha256.Sum256([]byte("a key for tests"))
	if err := m.Import(f.Context(), EdDSA, ed25519.NewKeyFromSeed(seed[:])); err != nil {
		f.Fatal(err)
	}
	typs := []string{"", "JWT", "at+jwt"}
	f.Fuzz(func(t *testing.T, token string) {
		payload, kid, err := m.Verify(token, typs...)
		if err != nil {
			if !errors.Is(err, ErrBadToken) || payload != nil || kid != "" {
				t.Fatalf("Verify(%q) = %q, %q, %v, want ErrBadToken alone", token, payload, kid, err)
			}
			return
		}
		header, _, _ := strings.Cut(token, ".")
		_, _, typ, err := readHeader(header)
		if err != nil {
			t.Fatalf("Verify accepted %q, whose header cannot be read: %v", token, err)
		}
		again, err := m.keys.current.Load().keys[kid].token(t.Context(), typ, payload, m.signing)
		if err != nil || again != token {
			t.Fatalf("Verify accepted %q, which is not %q (%v)", token, again, err)
		}
	})
}
