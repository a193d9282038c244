package assertion

import (
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/store/storetest"
)

// FuzzAssertion holds that what passes is signed with the trusted key, in the opinion
// of another implementation of JWS.
func FuzzAssertion(f *testing.F) {
	f.Add(assertion(nil, nil))
	f.Add(assertion(edits{"typ": "JWT", "kid": nil}, edits{"aud": []string{endpoint}}))
	f.Add(sign(signingKey(1), goodHeader(nil), goodClaims(nil)))
	f.Add("..")
	r := trusting(f, storetest.New(f), trust(0, ""))
	f.Fuzz(func(t *testing.T, compact string) {
		got, err := r.Open(t.Context(), compact, clock())
		if err != nil {
			refused(t, err)
			return
		}
		parsed, err := jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{jose.EdDSA, "Ed25519"})
		if err != nil {
			t.Fatalf("%q passed and is no JWS: %v", compact, err)
		}
		if _, err := parsed.Verify(signingKey(0).Public()); err != nil || got.Subject == "" {
			t.Errorf("%q passed for %q and is not signed with the trusted key", compact, got.Subject)
		}
	})
}

// FuzzClaims checks the same for claims under a valid signature.
func FuzzClaims(f *testing.F) {
	for _, e := range []edits{
		nil, {"aud": []any{here, nil}}, {"exp": 1e300}, {"exp": -1e300}, {"iat": 1e12}, {"nbf": edits{}}, {"sub": "\u0000"}, {"jti": ""},
	} {
		f.Add(goodHeader(nil), goodClaims(e))
	}
	f.Add(goodHeader(nil), `{"sub":"other",`+goodClaims(nil)[1:])
	r := trusting(f, storetest.New(f), trust(0, ""))
	f.Fuzz(func(t *testing.T, header, payload string) {
		got, err := r.Open(t.Context(), sign(signingKey(0), header, payload), clock())
		if err != nil {
			refused(t, err)
			return
		}
		if got.Subject == "" || got.jti == "" || !got.Expires.After(clock()) || got.Expires.After(clock().Add(time.Hour+leeway)) {
			t.Errorf("%s passed as %+v", payload, got)
		}
	})
}
