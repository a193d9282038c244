package registration

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// FuzzStatement checks that every software statement gets an error response or is signed by
// a trusted issuer.
func FuzzStatement(f *testing.F) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	s := signer{key, "ours"}
	h := New(Config{
		Issuer: issuer, Now: func() time.Time { return time.Unix(1_800_000_000, 0) },
		StatementKeys: map[string][]jose.JSONWebKey{publisher: {{Key: key.Public(), KeyID: "ours"}}},
	})
	good := s.sign(f, map[string]any{"iss": publisher, "client_name": "Shop"})
	for _, seed := range []string{
		good, good + "x", "..", "", "eyJhbGciOiJub25lIn0.e30.",
		s.sign(f, map[string]any{"iss": 7}), s.sign(f, map[string]any{"iss": publisher, "exp": -1e300, "aud": []int{1}}),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, statement string) {
		raw, err := json.Marshal(statement)
		if err != nil {
			t.Fatal(err)
		}
		members := map[string]json.RawMessage{"software_statement": raw, "client_name": json.RawMessage(`"Mine"`)}
		err = h.statements().apply(members, "")
		switch {
		case err == nil && string(members["client_name"]) != `"Shop"`:
			t.Fatalf("%q was accepted", statement)
		case err != nil && !errors.Is(err, errBadStatement) && !errors.Is(err, errUnapproved):
			t.Fatalf("%q: %v, which has no response", statement, err)
		}
	})
}
