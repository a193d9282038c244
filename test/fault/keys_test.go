//go:build fault

package fault

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/test/rig"
)

// Two operators rotate a key at the same time, repeatedly, while tokens are issued. The
// result must be one rotation, and all tokens must verify with the key set of any
// replica.
func TestConcurrentKeyRotations(t *testing.T) {
	eachEngine(t, func(t *testing.T, h *fixture) { //nolint:thelper // this function is the test, not a helper
		keys := storetest.Open(t, h.Database)
		tokens := []string{machineToken(t, h)}
		together := 0
		for range rounds(20) {
			awaitPublished(t, h, keys)
			ageNextKeys(t, keys)
			before := currentKeys(t, keys)
			for i, r := range rotateTwice(t, h) {
				if r.Code != 0 {
					t.Fatalf("process %d: exit code %d\n%s%s", i, r.Code, r.Stdout, r.Stderr)
				}
			}
			if rotated(t, before, keys) == 1 {
				together++
			}
			for i := range h.Len() {
				got := h.At(i).Credentials(t.Context(), &h.clients.Machine)
				if got.Status != 200 {
					t.Fatalf("replica %d: %v", i, got)
				}
				tokens = append(tokens, got.Text("access_token"))
			}
			for i := range h.Len() {
				verifyAll(t, h.At(i).Get(t.Context(), "/.well-known/jwks.json"), tokens)
			}
			if t.Failed() {
				return
			}
		}
		if together == 0 && !strings.HasPrefix(h.Database, "sqlite:") {
			t.Error("no two rotations were concurrent")
		}
		t.Logf("%d pairs of rotations were concurrent", together)
	})
}

// rotateTwice rotates in two processes. On PostgreSQL both read the keys before either
// can save, unless the machine is busy. On SQLite, where writes are serialized, each
// first writes an audit event, so that the rotations run one after the other.
func rotateTwice(t *testing.T, h *fixture) (results []rig.Result) {
	t.Helper()
	rotate := func(int) rig.Result { return h.Run(t.Context(), "keys", "rotate", "--algorithm", "ES256") }
	if strings.HasPrefix(h.Database, "sqlite:") {
		return concurrently(2, rotate)
	}
	done := make(chan []rig.Result, 1)
	storetest.HoldKeys(t, h.Database, func() {
		go func() { done <- concurrently(2, rotate) }()
		time.Sleep(500 * time.Millisecond)
	})
	return <-done
}

func machineToken(t *testing.T, h *fixture) string {
	t.Helper()
	got := h.Credentials(t.Context(), &h.clients.Machine)
	if got.Status != 200 {
		t.Fatalf("client_credentials: %v", got)
	}
	return got.Text("access_token")
}

// awaitPublished waits until both replicas publish all keys.
func awaitPublished(t *testing.T, h *fixture, s *store.Store) {
	t.Helper()
	_, records, err := s.Keys.LoadKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		missing := 0
		for i := range h.Len() {
			published := h.At(i).Get(t.Context(), "/.well-known/jwks.json").Body
			for _, r := range records {
				if !strings.Contains(published, r.KID) {
					missing++
				}
			}
		}
		if missing == 0 {
			return
		}
		if time.Since(began) > 30*time.Second {
			t.Fatalf("%d keys are not published after 30 s", missing)
		}
	}
}

// ageNextKeys makes the next keys old enough to sign, by changing their creation time.
func ageNextKeys(t *testing.T, s *store.Store) {
	t.Helper()
	for {
		version, records, err := s.Keys.LoadKeys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var older []jwks.Record
		for _, r := range records {
			if r.State == jwks.Next {
				r.PublishedAt = r.PublishedAt.Add(-time.Hour)
				older = append(older, r)
			}
		}
		err = s.Keys.SaveKeys(t.Context(), version, older, nil)
		if err == nil {
			return
		}
		if err != jwks.ErrConflict { //nolint:errorlint // the store returns it unwrapped
			t.Fatal(err)
		}
	}
}

// currentKeys returns the current key id of each algorithm, and fails the test if there
// are two of an algorithm.
func currentKeys(t *testing.T, s *store.Store) map[jwks.Algorithm]string {
	t.Helper()
	_, records, err := s.Keys.LoadKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	current := map[jwks.Algorithm]string{}
	for _, r := range records {
		if r.State != jwks.Current {
			continue
		}
		if current[r.Algorithm] != "" {
			t.Errorf("two keys of %s are current", r.Algorithm)
		}
		current[r.Algorithm] = r.KID
	}
	return current
}

// rotated returns the number of next keys after two rotations. If one process started
// late, it has read the result of the other and requested a second rotation, which
// waits until its key is old enough.
func rotated(t *testing.T, before map[jwks.Algorithm]string, s *store.Store) int {
	t.Helper()
	after := currentKeys(t, s)
	if after[jwks.ES256] == before[jwks.ES256] {
		t.Error("two rotations did not rotate the key")
	}
	_, records, err := s.Keys.LoadKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	next := 0
	for _, r := range records {
		if r.Algorithm == jwks.ES256 && r.State == jwks.Next {
			next++
		}
		if r.KID == before[jwks.ES256] && r.State != jwks.Past {
			t.Errorf("the key that signed before is %s, want past", r.State)
		}
	}
	return next
}

func verifyAll(t *testing.T, published *rig.Response, tokens []string) {
	t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(published.Body), &set); err != nil {
		t.Fatalf("key set: %v: %v", published, err)
	}
	for _, token := range tokens {
		signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
		if err != nil {
			t.Fatal(err)
		}
		kid := signed.Signatures[0].Header.KeyID
		found := set.Key(kid)
		if len(found) != 1 {
			t.Errorf("%d keys with the id %s are published, of %d", len(found), kid, len(set.Keys))
			continue
		}
		if _, err := signed.Verify(found[0]); err != nil {
			t.Errorf("verify a token of key %s: %v", kid, err)
		}
	}
	if strings.Contains(published.Body, `"d"`) {
		t.Error("a private key is published")
	}
}
