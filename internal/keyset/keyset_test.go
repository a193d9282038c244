package keyset_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/keyring"
	"github.com/ostiary/ostiary/internal/keyset"
)

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func secrets(tb testing.TB, texts ...string) *keyring.Keyring {
	tb.Helper()
	s, err := keyring.New(texts...)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func keys(tb testing.TB) keyset.Keys {
	tb.Helper()
	return keyset.Keys{Sealer: secrets(tb, strings.Repeat("s", 32)), Now: func() time.Time { return noon }}
}

// private are the private members of keys (RFC 7518 §6).
var private = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

func members(tb testing.TB, raw []byte) map[string]any {
	tb.Helper()
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		tb.Fatalf("%s: %v", raw, err)
	}
	return m
}

func checkPublic(tb testing.TB, k *keyset.Key) {
	tb.Helper()
	for _, name := range private {
		if _, there := members(tb, k.Public)[name]; there {
			tb.Errorf("%s has the member %s", k.Public, name)
		}
	}
}

func TestKeysThatAreMade(t *testing.T) {
	t.Parallel()

	ks := keys(t)
	for _, alg := range []string{"RS256", "ES256", "ES512", "EdDSA"} {
		for _, kid := range []string{"", "my-key"} {
			k, err := ks.Generate("set", alg, "", kid)
			if err != nil {
				t.Fatalf("%s: %v", alg, err)
			}
			checkPublic(t, k)
			whole, err := k.Open(ks.Sealer)
			if err != nil {
				t.Fatal(err)
			}
			shown := members(t, k.Public)
			if shown["alg"] != alg || shown["use"] != "sig" || shown["kid"] != k.KID || kid != "" && k.KID != kid {
				t.Errorf("%s, kid %q: %s", alg, kid, k.Public)
			}
			if members(t, whole)["d"] == nil || !k.CreatedAt.Equal(noon) {
				t.Errorf("%s: the whole key lacks its private part", alg)
			}
			again, err := ks.Parse("set", "", whole)
			if err != nil || string(again.Public) != string(k.Public) {
				t.Errorf("%s read again: %v", alg, err)
			}
		}
	}
	for name, tc := range map[string][3]string{
		"a symmetric one":     {"HS256", "", ""},
		"a long symmetric":    {"HS512", "", ""},
		"no algorithm":        {"", "", ""},
		"another use":         {"ES256", "both", ""},
		"a kid with a space":  {"ES256", "", "a b"},
		"a kid without end":   {"ES256", "", strings.Repeat("x", 256)},
		"a kid of other text": {"ES256", "", "schlüssel"},
	} {
		if _, err := ks.Generate("set", tc[0], tc[1], tc[2]); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestASealedKeyOpensInItsOwnRowAlone(t *testing.T) {
	t.Parallel()

	ks := keys(t)
	k, err := ks.Generate("set", "ES256", "", "kid")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range [][2]string{{"other", "kid"}, {"set", "other"}, {"set2", "kid"}} {
		moved := *k
		moved.Set, moved.KID = row[0], row[1]
		if _, err := moved.Open(ks.Sealer); err == nil {
			t.Errorf("it opens as %v", row)
		}
	}
	old, first := strings.Repeat("s", 32), strings.Repeat("t", 32)
	both := secrets(t, first, old)
	if k.Sealed, err = k.Reseal(both); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Open(secrets(t, first)); err != nil {
		t.Errorf("resealed, it does not open under the first secret alone: %v", err)
	}
}

const symmetric = `{"kty":"oct","kid":"hs","alg":"HS256","use":"sig","k":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}`

func TestParse(t *testing.T) {
	t.Parallel()

	ks := keys(t)
	k, err := ks.Parse("set", "", []byte(symmetric))
	if err != nil {
		t.Fatal(err)
	}
	checkPublic(t, k)
	if got, want := string(k.Public), `{"alg":"HS256","kid":"hs","kty":"oct","use":"sig"}`; got != want {
		t.Errorf("of a symmetric key is shown %s, want %s", got, want)
	}
	made, err := ks.Generate("set", "ES256", "enc", "")
	if err != nil {
		t.Fatal(err)
	}
	if k, err = ks.Parse("set", made.KID, made.Public); err != nil || k.Sealed != nil {
		t.Errorf("a public key: %v, sealed %d bytes", err, len(k.Sealed))
	}
	for name, raw := range map[string]string{
		"nothing":             ``,
		"no object":           `[]`,
		"an empty object":     `{}`,
		"no known kind":       `{"kty":"xyz","kid":"a"}`,
		"a short symmetric":   `{"kty":"oct","kid":"a","k":"AAEC"}`,
		"a short RSA key":     `{"kty":"RSA","kid":"a","e":"AQAB","n":"` + strings.Repeat("_", 170) + `"}`,
		"a point off curve":   `{"kty":"EC","kid":"a","crv":"P-256","x":"` + strings.Repeat("A", 42) + `E","y":"` + strings.Repeat("A", 42) + `E"}`,
		"a kid with a break":  strings.Replace(symmetric, `"hs"`, `"a\nb"`, 1),
		"another kid":         strings.Replace(symmetric, `"hs"`, `"not-asked-for"`, 1),
		"an alg with a break": strings.Replace(symmetric, `"HS256"`, `"H\u0000"`, 1),
		"more than a key":     `{"kty":"oct","pad":"` + strings.Repeat("x", 20_000) + `"}`,
	} {
		if k, err := ks.Parse("set", "asked", []byte(raw)); err == nil {
			t.Errorf("%s: is taken as %s", name, k.Public)
		} else if strings.Contains(err.Error(), "AAEC") {
			t.Errorf("%s: the error quotes the key: %v", name, err)
		}
	}
	for name, raw := range map[string]string{
		"no object": `[]`, "no list": `{}`, "a list of texts": `{"keys":["a"]}`,
		"one kid twice": `{"keys":[` + symmetric + `,` + symmetric + `]}`,
		"too many":      `{"keys":[` + strings.Repeat(symmetric+",", keyset.MaxKeys) + symmetric + `]}`,
	} {
		if _, err := ks.ParseSet("set", []byte(raw)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if none, err := ks.ParseSet("set", []byte(`{"keys":[]}`)); err != nil || len(none) != 0 {
		t.Errorf("an empty set: %v, %v", none, err)
	}
}

// FuzzParse checks that the public part of a parsed key contains no private member, and that the
// sealed key is complete.
func FuzzParse(f *testing.F) {
	ks := keys(f)
	for _, alg := range []string{"ES256", "ES512", "EdDSA"} {
		k, err := ks.Generate("set", alg, "", "")
		if err != nil {
			f.Fatal(err)
		}
		whole, err := k.Open(ks.Sealer)
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(whole))
		f.Add([]byte(k.Public))
	}
	f.Add([]byte(symmetric))
	f.Add([]byte(`{"kty":"RSA","n":"AQAB","e":"AQAB","d":"AQAB","x5c":["MIIB"]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		k, err := ks.Parse("set", "", raw)
		if err != nil {
			return
		}
		checkPublic(t, k)
		if err := keyset.CheckName(k.KID); err != nil {
			t.Errorf("kid %q: %v", k.KID, err)
		}
		whole, err := k.Open(ks.Sealer)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ks.Parse("set", k.KID, whole)
		if err != nil || string(again.Public) != string(k.Public) {
			t.Errorf("%s read again: %v", whole, err)
		}
	})
}
