package requestobject

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
)

// FuzzObject tests that an accepted object is signed with the registered key, as another JWS
// implementation verifies it, and results only in known, valid parameters.
func FuzzObject(f *testing.F) {
	f.Add(object(nil, nil))
	f.Add(object(edits{"typ": "oauth-authz-req+jwt", "kid": nil}, edits{"aud": []string{issuer}}))
	f.Add(sign(signingKey(1), goodHeader(nil), goodClaims(nil)))
	f.Add(unsigned(nil))
	f.Add("..")
	c := app(f)
	f.Fuzz(func(t *testing.T, compact string) {
		got, err := open(t, c, compact)
		if compact == "" { // is absent, and so there is no object
			return
		}
		if err != nil {
			responseOf(t, err)
			return
		}
		parsed, err := jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{jose.EdDSA, "Ed25519"})
		if err != nil {
			t.Fatalf("%q passed and is no JWS: %v", compact, err)
		}
		if _, err := parsed.Verify(signingKey(0).Public()); err != nil {
			t.Errorf("%q passed and is not signed with the client's key", compact)
		}
		checkParameters(t, got)
	})
}

// FuzzObjectClaims checks the same for claims under a valid signature.
func FuzzObjectClaims(f *testing.F) {
	for _, e := range []edits{
		nil,
		{"max_age": 1},
		{"claims": edits{"userinfo": edits{"email": nil}}},
		{"resource": []string{"a", ""}},
		{"state": "a\x00"},
		{"registration": edits{}},
		{"exp": 1e300},
		{"sub": "app"},
		{"aud": []any{1, issuer}},
	} {
		f.Add(goodHeader(nil), goodClaims(e))
	}
	f.Add(goodHeader(nil), `{"state":"other",`+goodClaims(nil)[1:])
	f.Add(goodHeader(nil), `{"max_age":007}`)
	c := app(f)
	f.Fuzz(func(t *testing.T, header, payload string) {
		got, err := open(t, c, sign(signingKey(0), header, payload))
		if err != nil {
			responseOf(t, err)
			return
		}
		checkParameters(t, got)
	})
}

func checkParameters(t *testing.T, got url.Values) {
	t.Helper()
	if got.Get("client_id") != "app" || got.Has("request") || got.Has("request_uri") {
		t.Errorf("opened to %v", got)
	}
	for name, values := range got {
		if !slices.Contains(Parameters(), name) || len(values) == 0 {
			t.Errorf("opened to %s = %q", name, values)
		}
		for _, value := range values {
			if value == "" || !utf8.ValidString(value) || strings.Contains(value, "\x00") {
				t.Errorf("opened to %s = %q", name, values)
			}
		}
	}
}
