package jwks

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"maps"
	"testing"
)

// A cached token is accepted only unchanged, for its own use, and while its key is in the
// key set.
func TestCachedTokenIsCheckedAgain(t *testing.T) {
	t.Parallel()

	m, _, _ := started(t, ES256)
	token, err := m.Sign(t.Context(), ES256, "at+jwt", claims)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		payload, _, err := m.Verify(token, "at+jwt")
		if err != nil || string(payload) != string(claims) {
			t.Fatalf("Verify = %s, %v", payload, err)
		}
	}
	other := []byte(token)
	other[len(other)-5] ^= 1
	for name, refused := range map[string]struct{ token, typ string }{
		"another use":       {token, "JWT"},
		"another signature": {string(other), "at+jwt"},
		"something behind":  {token + "\n", "at+jwt"},
	} {
		if _, _, err := m.Verify(refused.token, refused.typ); !errors.Is(err, ErrBadToken) {
			t.Errorf("%s: %v, want ErrBadToken", name, err)
		}
	}

	without := *m.keys.current.Load()
	without.keys = maps.Clone(without.keys)
	clear(without.keys)
	m.keys.current.Store(&without)
	if _, _, err := m.Verify(token, "at+jwt"); !errors.Is(err, ErrBadToken) {
		t.Errorf("without its key: %v, want ErrBadToken", err)
	}
}

func TestSignatureCacheIsBounded(t *testing.T) {
	t.Parallel()

	v := newSignatureCache()
	for i := range uint32(2 * cachedSignatures) {
		sum := sha256.Sum256(binary.BigEndian.AppendUint32(nil, i))
		v.Put(sum, verifiedToken{kid: "k"})
		if _, ok := v.Get(sum); !ok {
			t.Fatal("a token is not in the cache after Put")
		}
		if n := v.Len(); n > cachedSignatures {
			t.Fatalf("%d tokens are cached, want at most %d", n, cachedSignatures)
		}
	}
}
