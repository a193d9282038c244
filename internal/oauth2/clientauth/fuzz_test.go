package clientauth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// fuzzKeys are the same in every run, so that committed seeds stay valid: a registered key and
// an unregistered one.
func fuzzKeys(tb testing.TB) (registered, unregisteredKey *ecdsa.PrivateKey) {
	tb.Helper()
	made := [2]*ecdsa.PrivateKey{}
	for i, c := range []string{"\x01", "\x02"} {
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), []byte(strings.Repeat(c, 32)))
		if err != nil {
			tb.Fatal(err)
		}
		made[i] = key
	}
	return made[0], made[1]
}

// FuzzAssertion holds that what passes is signed with the registered key, in the
// opinion of another implementation of JWS, and names the client.
func FuzzAssertion(f *testing.F) {
	key, unregisteredKey := fuzzKeys(f)
	ed := ed25519.NewKeyFromSeed([]byte(strings.Repeat("\x03", ed25519.SeedSize)))
	f.Add(sign(f, key, "ES256", goodHeader(nil), goodClaims(nil)))
	f.Add(sign(f, key, "ES256", goodHeader(with("kid", nil)), goodClaims(with("aud", tokenEndpoint))))
	f.Add(sign(f, ed, "EdDSA", goodHeader(edits{"alg": "EdDSA", "kid": "k1"}), goodClaims(nil)))
	f.Add(sign(f, unregisteredKey, "ES256", goodHeader(nil), goodClaims(nil)))
	f.Add(sign(f, key, "ES256", goodHeader(with("crit", []string{})), goodClaims(nil)))
	f.Add(sign(f, key, "ES256", goodHeader(nil), goodClaims(with("aud", []string{issuer}))))
	f.Add(encode(`{"alg":"none"}`) + "." + encode(goodClaims(nil)) + ".")
	f.Add("..")

	c := withKeys(f, "signer",
		jose.JSONWebKey{Key: key.Public(), KeyID: "k0"}, jose.JSONWebKey{Key: ed.Public(), KeyID: "k1"})
	f.Fuzz(func(t *testing.T, compact string) {
		got, err := newAuthenticator(c).Authenticate(t.Context(), asserting(compact))
		if err != nil {
			refusalOf(t, err)
			return
		}
		if got.ID != "signer" {
			t.Errorf("%q authenticated %q", compact, got.ID)
		}
		parsed, err := jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA})
		if err != nil {
			t.Fatalf("%q passed and is no JWS: %v", compact, err)
		}
		_, byEC := parsed.Verify(key.Public())
		_, byEd := parsed.Verify(ed.Public())
		if byEC != nil && byEd != nil {
			t.Errorf("%q passed and is signed with no key of the client", compact)
		}
	})
}

// FuzzClaims tests that an accepted assertion has all required claims, as a simple decoder reads
// them.
func FuzzClaims(f *testing.F) {
	key, _ := fuzzKeys(f)
	for _, e := range []edits{
		nil, with("aud", tokenEndpoint), with("aud", []string{issuer}), with("aud", []string{issuer, "https://evil.example"}), with("exp", "1800000060"),
		with("exp", clock().Add(time.Hour).Unix()),
		{"exp": clock().Add(time.Hour).Unix(), "iat": nil},
		with("exp", 1800000060.5), with("iat", 1e300), with("jti", ""), with("sub", "other"), with("nbf", nil),
	} {
		f.Add(goodHeader(nil), goodClaims(e))
		f.Add(goodHeader(e), goodClaims(nil))
	}
	f.Add(goodHeader(nil), `{"sub":"other",`+goodClaims(nil)[1:])

	c := withKeys(f, "signer", jose.JSONWebKey{Key: key.Public(), KeyID: "k0"})
	f.Fuzz(func(t *testing.T, header, payload string) {
		compact := sign(t, key, "ES256", header, payload)
		if _, err := newAuthenticator(c).Authenticate(t.Context(), asserting(compact)); err != nil {
			refusalOf(t, err)
			return
		}
		var head, response map[string]any
		if err := json.Unmarshal([]byte(header), &head); err != nil {
			t.Fatalf("the header %q passed: %v", header, err)
		}
		if _, critical := head["crit"]; critical || head["alg"] != "ES256" {
			t.Errorf("the header %q passed", header)
		}
		if err := json.Unmarshal([]byte(payload), &response); err != nil {
			t.Fatalf("%q passed: %v", payload, err)
		}
		now := float64(clock().Unix())
		exp, _ := response["exp"].(float64)
		issued, dated := response["iat"].(float64)
		if response["iss"] != "signer" || response["sub"] != "signer" || response["jti"] == "" ||
			!isOnlyThisServer(response["aud"]) || exp <= now || exp > now+(maxLifetime+leeway).Seconds() ||
			exp > now+(maxAhead+leeway).Seconds() && (!dated || issued <= now-maxAhead.Seconds()) {
			t.Errorf("%q passed", payload)
		}
	})
}

// isOnlyThisServer reports whether an aud names only this server.
func isOnlyThisServer(aud any) bool {
	list, several := aud.([]any)
	if !several {
		list = []any{aud}
	}
	for _, one := range list {
		if one != issuer && one != tokenEndpoint && one != introspection {
			return false
		}
	}
	return len(list) > 0
}
