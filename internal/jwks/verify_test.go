package jwks

import (
	"crypto"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const payload = `{"iss":"https://op.example","sub":"248289761001"}`

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// forge signs any header with a key of this server.
func forge(t *testing.T, m *Manager, alg Algorithm, header string) string {
	t.Helper()
	k := m.keys.current.Load().current[alg]
	input := b64(strings.ReplaceAll(header, "KID", k.record.KID)) + "." + b64(payload)
	signature, err := k.sign(t.Context(), []byte(input), m.signing)
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + b64(string(signature))
}

func TestVerifyRejects(t *testing.T) {
	t.Parallel()
	m, _, _ := started(t, allAlgorithms()...)
	foreign, _, _ := started(t, ES256)
	sign := func(by *Manager, alg Algorithm, typ string) string {
		token, err := by.Sign(t.Context(), alg, typ, []byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	good := sign(m, ES256, "JWT")
	parts := strings.Split(good, ".")
	edParts := strings.Split(sign(m, EdDSA, "JWT"), ".")
	rsParts := strings.Split(sign(m, RS256, "JWT"), ".")
	esKey, rsKey := m.keys.current.Load().current[ES256], m.keys.current.Load().current[RS256]
	signature := func(raw []byte) string {
		return parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(raw)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	der, err := esKey.signer.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	negated := new(big.Int).Sub(elliptic.P256().Params().N, new(big.Int).SetBytes(raw[32:]))
	twin := negated.FillBytes(append([]byte(nil), raw...)[32:])
	n := elliptic.P256().Params().N.FillBytes(make([]byte, 32))
	spki, err := esKey.public.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, spki)
	hs := b64(`{"alg":"HS256","kid":"`+esKey.record.KID+`","typ":"JWT"}`) + "." + parts[1]
	mac.Write([]byte(hs))
	unsigned := func(alg string) string {
		return b64(`{"alg":"`+alg+`","kid":"`+esKey.record.KID+`","typ":"JWT"}`) + "." + parts[1] + "."
	}
	kid := func(json string) string {
		return b64(`{"alg":"ES256","kid":`+json+`,"typ":"JWT"}`) + "." + parts[1] + "." + parts[2]
	}

	if _, _, err := m.Verify(good, "JWT"); err != nil {
		t.Fatalf("the token that the cases spoil is not good itself: %v", err)
	}
	for name, token := range map[string]string{
		"alg none":                                 unsigned("none"),
		"alg None":                                 unsigned("None"),
		"alg nOnE with the signature":              unsigned("nOnE") + parts[2],
		"alg empty":                                unsigned("") + parts[2],
		"no signature":                             parts[0] + "." + parts[1] + ".",
		"HMAC with the public key":                 hs + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)),
		"another algorithm of ours":                forge(t, m, ES256, `{"alg":"EdDSA","kid":"KID","typ":"JWT"}`),
		"PS256 claimed for an RS256 key":           forge(t, m, RS256, `{"alg":"PS256","kid":"KID","typ":"JWT"}`),
		"RS256 claimed for a PS256 key":            forge(t, m, PS256, `{"alg":"RS256","kid":"KID","typ":"JWT"}`),
		"a changed payload":                        parts[0] + "." + b64(`{"sub":"admin"}`) + "." + parts[2],
		"another token's signature":                parts[0] + "." + parts[1] + "." + edParts[2],
		"a foreign key":                            sign(foreign, ES256, "JWT"),
		"a foreign key under a kid of this server": parts[0] + "." + strings.Join(strings.Split(sign(foreign, ES256, "JWT"), ".")[1:], "."),
		"the signature in DER":                     signature(der),
		"r = s = 0":                                signature(make([]byte, 64)),
		"r = s = n":                                signature(append(n, n...)),
		"an empty ES256 signature":                 signature(nil),
		"the other s of the signature":             signature(append(append([]byte(nil), raw[:32]...), twin...)),
		"a signature with a byte more":             signature(append(append([]byte(nil), raw...), 0)),
		"a signature with a byte less":             signature(raw[:63]),
		"crit with b64":                            forge(t, m, ES256, `{"alg":"ES256","kid":"KID","typ":"JWT","crit":["b64"],"b64":false}`),
		"crit unknown":                             forge(t, m, ES256, `{"alg":"ES256","kid":"KID","typ":"JWT","crit":["x"],"x":1}`),
		"crit empty":                               forge(t, m, ES256, `{"alg":"ES256","kid":"KID","typ":"JWT","crit":[]}`),
		"b64 alone":                                forge(t, m, ES256, `{"alg":"ES256","kid":"KID","typ":"JWT","b64":false}`),
		"jwk":                                      forge(t, m, ES256, `{"alg":"ES256","kid":"KID","jwk":`+string(spki)+`,"typ":"JWT"}`),
		"jku":                                      forge(t, m, ES256, `{"alg":"ES256","kid":"KID","jku":"http://127.0.0.1/","typ":"JWT"}`),
		"x5u":                                      forge(t, m, ES256, `{"alg":"ES256","kid":"KID","x5u":"http://127.0.0.1/","typ":"JWT"}`),
		"x5c":                                      forge(t, m, ES256, `{"alg":"ES256","kid":"KID","x5c":[],"typ":"JWT"}`),
		"a second alg":                             forge(t, m, ES256, `{"alg":"none","alg":"ES256","kid":"KID","typ":"JWT"}`),
		"a second typ":                             forge(t, m, ES256, `{"alg":"ES256","kid":"KID","typ":"at+jwt","typ":"JWT"}`),
		"a header in another order":                forge(t, m, ES256, `{"kid":"KID","alg":"ES256","typ":"JWT"}`),
		"an escape in the header":                  forge(t, m, ES256, `{"alg":"ES256","kid":"KID","typ":"J\u0057T"}`),
		"text after the header":                    forge(t, m, ES256, `{"alg":"ES256","kid":"KID","typ":"JWT"} `),
		"a header that does not end":               forge(t, m, ES256, `{"alg":"ES256","kid":"KID","typ":"JWT`),
		"typ empty rather than absent":             forge(t, m, ES256, `{"alg":"ES256","kid":"KID","typ":""}`),
		"a header that is an array":                forge(t, m, ES256, `["ES256"]`),
		"no kid":                                   forge(t, m, ES256, `{"alg":"ES256","typ":"JWT"}`),
		"kid a path":                               kid(`"../../../../dev/null"`),
		"kid SQL":                                  kid(`"' OR '1'='1"`),
		"kid with NUL":                             kid(`"\u0000"`),
		"kid an object":                            kid(`{"$ne":null}`),
		"kid a number":                             kid(`1`),
		"kid null":                                 kid(`null`),
		"kid unknown":                              kid(`"` + strings.Repeat("A", 43) + `"`),
		"a line break in the header":               good[:8] + "\n" + good[8:],
		"a line break in the signature":            good[:len(good)-8] + "\r\n" + good[len(good)-8:],
		"a line break at the end":                  good + "\n",
		"a space in front":                         " " + good,
		"padding":                                  good + "==",
		"the standard base64 alphabet":             swapAlphabet(good),
		"stray bits after the signature":           strings.Join(edParts[:2], ".") + "." + strayBits(edParts[2]),
		"stray bits after an RSA one":              strings.Join(rsParts[:2], ".") + "." + strayBits(rsParts[2]),
		"the flattened JSON form":                  fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, parts[0], parts[1], parts[2]),
		"the general JSON form":                    fmt.Sprintf(`{"payload":%q,"signatures":[{"protected":%q,"signature":%q}]}`, parts[1], parts[0], parts[2]),
		"detached payload":                         parts[0] + ".." + parts[2],
		"four parts":                               good + "." + parts[2],
		"five parts, as of a JWE":                  good + "..",
		"two parts":                                parts[0] + "." + parts[1],
		"nothing":                                  "",
		"dots":                                     "..",
		"a hundred thousand dots":                  strings.Repeat(".", 100_000),
		"sixteen megabytes":                        strings.Repeat("a", 16<<20),
		"sixteen megabytes, well formed":           good + strings.Repeat("A", 16<<20),
		"nested arrays as a header":                b64(strings.Repeat("[", 20_000)) + "." + parts[1] + "." + parts[2],
		"NUL and bytes that are no UTF-8":          "\x00\xff." + parts[1] + "." + parts[2],
		"an RSA signature on our EC key":           parts[0] + "." + parts[1] + "." + rsParts[2],
		"an EC header on an RSA key":               b64(`{"alg":"ES256","kid":"`+rsKey.record.KID+`","typ":"JWT"}`) + "." + parts[1] + "." + parts[2],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, kid, err := m.Verify(token, "JWT", "")
			if !errors.Is(err, ErrBadToken) || got != nil || kid != "" {
				t.Errorf("Verify(%.200q) = %q, %q, %v, want ErrBadToken", token, got, kid, err)
			}
		})
	}
}

// strayBits sets a bit that a lenient decoder would drop.
func strayBits(encoded string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, encoded[len(encoded)-1])
	return encoded[:len(encoded)-1] + string(alphabet[last|1])
}

// swapAlphabet rewrites a token in the standard base64 alphabet, or prefixes a + if that changes
// nothing.
func swapAlphabet(token string) string {
	swapped := strings.NewReplacer("-", "+", "_", "/").Replace(token)
	if swapped == token {
		return "+" + token
	}
	return swapped
}

func TestVerifyMatchesTyp(t *testing.T) {
	t.Parallel()
	m, _, _ := started(t, EdDSA)
	for name, tc := range map[string]struct {
		typ  string
		typs []string
		ok   bool
	}{
		"the same":                        {"at+jwt", []string{"at+jwt"}, true},
		"one of several":                  {"at+jwt", []string{"JWT", "at+jwt"}, true},
		"in another case":                 {"AT+jwt", []string{"at+JWT"}, true},
		"with the long form in the token": {"application/at+jwt", []string{"at+jwt"}, true},
		"with the long form asked for":    {"at+jwt", []string{"Application/at+jwt"}, true},
		"absent and allowed to be":        {"", []string{"JWT", ""}, true},
		"absent":                          {"", []string{"JWT"}, false},
		"present and not to be":           {"JWT", []string{""}, false},
		"for another use":                 {"JWT", []string{"at+jwt"}, false},
		"a prefix":                        {"at", []string{"at+jwt"}, false},
		"nothing is allowed":              {"JWT", nil, false},
		"nothing is allowed nor present":  {"", nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token, err := m.Sign(t.Context(), EdDSA, tc.typ, []byte(payload))
			if err != nil {
				t.Fatal(err)
			}
			got, _, err := m.Verify(token, tc.typs...)
			if tc.ok && (err != nil || string(got) != payload) {
				t.Errorf("Verify of typ %q for %q = %q, %v, want the payload", tc.typ, tc.typs, got, err)
			}
			if !tc.ok && !errors.Is(err, ErrBadToken) {
				t.Errorf("Verify of typ %q for %q = %v, want ErrBadToken", tc.typ, tc.typs, err)
			}
		})
	}
}

func TestSignRejectsInvalidTyp(t *testing.T) {
	t.Parallel()
	m, _, _ := started(t, EdDSA)
	if token, err := m.Sign(t.Context(), EdDSA, `JWT","crit":["x`, nil); err == nil {
		t.Errorf("Sign = %q with a header that its caller wrote", token)
	}
}

// Another JOSE library reads the key set and verifies a token of each algorithm.
func TestOtherLibrariesVerifyTokens(t *testing.T) {
	t.Parallel()
	m, _, _ := started(t, allAlgorithms()...)
	body, _, _ := m.KeySet()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(body, &set); err != nil {
		t.Fatal(err)
	}
	for _, alg := range allAlgorithms() {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			claims := map[string]string{"sub": "248289761001"}
			token, err := m.SignClaims(t.Context(), alg, "at+jwt", claims)
			if err != nil {
				t.Fatal(err)
			}
			parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
			if err != nil {
				t.Fatal(err)
			}
			header := parsed.Signatures[0].Protected
			if header.ExtraHeaders["typ"] != "at+jwt" {
				t.Errorf("typ = %v, want at+jwt", header.ExtraHeaders["typ"])
			}
			keys := set.Key(header.KeyID)
			if len(keys) != 1 {
				t.Fatalf("the key set has %d keys of kid %s, want 1", len(keys), header.KeyID)
			}
			got, err := parsed.Verify(keys[0])
			if err != nil || string(got) != `{"sub":"248289761001"}` {
				t.Errorf("go-jose says %q, %v, want the claims", got, err)
			}
		})
	}
}

func TestVerifyWithPastAndNextKeys(t *testing.T) {
	t.Parallel()
	m, store, c := started(t, EdDSA)
	past, err := m.Sign(t.Context(), EdDSA, "", []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	c.advance(30 * 24 * time.Hour)
	pass(t, m)
	if _, kid, err := m.Verify(past, ""); err != nil || kid != store.inState(EdDSA, Past)[0] {
		t.Errorf("Verify of a past key's token = %s, %v", kid, err)
	}
	next := m.keys.current.Load().keys[store.inState(EdDSA, Next)[0]]
	early, err := next.token(t.Context(), "", []byte(payload), m.signing)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := m.Verify(early, ""); err != nil {
		t.Errorf("Verify of a next key's token, as of a replica that was faster: %v", err)
	}
	c.advance(26 * time.Hour)
	pass(t, m)
	if _, _, err := m.Verify(past, ""); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("Verify after the key was removed = %v, want ErrUnknownKey", err)
	}
}

// If the store is unavailable an unknown kid does not mean that a token is invalid.
func TestVerifyOfAnUnknownKeyWithoutAStoreIsTemporary(t *testing.T) {
	t.Parallel()
	store, c := &memory{}, &clock{}
	conn := &link{Store: store}
	cut := newManager(t, testConfig(t, conn, c, EdDSA), c)
	whole := newManager(t, testConfig(t, store, c, EdDSA), c)
	for _, m := range []*Manager{cut, whole} {
		if err := m.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	conn.down.Store(true)
	for range 2 { // the second rotation activates a key that the disconnected replica never read
		c.advance(30 * 24 * time.Hour)
		pass(t, whole)
	}
	token, err := whole.Sign(t.Context(), EdDSA, "", []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := cut.Verify(token, ""); !errors.Is(err, ErrStale) || errors.Is(err, ErrBadToken) {
		t.Errorf("Verify = %v, want ErrStale and no verdict", err)
	}
	conn.down.Store(false)
	c.advance(time.Minute)
	if _, _, err := cut.Verify(token, ""); err != nil {
		t.Errorf("Verify with the store back, before any pass: %v", err)
	}
}
