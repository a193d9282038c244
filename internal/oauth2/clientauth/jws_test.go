package clientauth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/jws"
	"github.com/ostiary/ostiary/internal/oauth2"
)

// attempt authenticates the client "signer" of a new authenticator with an assertion.
func attempt(t *testing.T, c *client.Client, compact string) error {
	t.Helper()
	got, err := newAuthenticator(c).Authenticate(t.Context(), asserting(compact))
	if err != nil {
		if code := refusalOf(t, err).Code; code != oauth2.CodeInvalidClient {
			t.Errorf("code = %s, want %s", code, oauth2.CodeInvalidClient)
		}
		return err
	}
	if got.ID != c.ID {
		t.Errorf("authenticated %q, want %q", got.ID, c.ID)
	}
	return nil
}

func TestClientAssertionHeader(t *testing.T) {
	t.Parallel()

	unregistered := ecJWK(1)
	jwk, err := json.Marshal(unregistered)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		header edits
		ok     bool
	}{
		"alg and kid":             {nil, true},
		"typ JWT":                 {with("typ", "JWT"), true},
		"typ jwt":                 {with("typ", "jwt"), true},
		"its own typ":             {with("typ", "client-authentication+jwt"), true},
		"its own typ in full":     {with("typ", "application/client-authentication+jwt"), true},
		"no kid":                  {with("kid", nil), true},
		"a jku that nobody reads": {with("jku", "http://127.0.0.1:1/"), true},
		"x5c that nobody reads":   {with("x5c", []string{"MA=="}), true},
		"a jwk that nobody reads": {with("jwk", json.RawMessage(jwk)), true},

		"alg none":               {with("alg", "none"), false},
		"alg None":               {with("alg", "None"), false},
		"empty alg":              {with("alg", ""), false},
		"no alg":                 {with("alg", nil), false},
		"alg is an array":        {with("alg", []string{"ES256"}), false},
		"alg in another case":    {with("alg", "es256"), false},
		"alg HS256":              {with("alg", "HS256"), false},
		"alg of another key":     {with("alg", "RS256"), false},
		"alg of another curve":   {with("alg", "ES384"), false},
		"crit unknown":           {edits{"crit": []string{"exp"}, "exp": 1}, false},
		"crit empty":             {with("crit", []string{}), false},
		"b64 false":              {with("b64", false), false},
		"b64 true":               {with("b64", true), false},
		"typ of an access token": {with("typ", "at+jwt"), false},
		"typ of a DPoP proof":    {with("typ", "dpop+jwt"), false},
		"typ of a logout token":  {with("typ", "logout+jwt"), false},
		"typ of a request":       {with("typ", "oauth-authz-req+jwt"), false},
		"empty typ":              {with("typ", ""), false},
		"typ is an object":       {with("typ", edits{}), false},
		"kid unknown":            {with("kid", "k9"), false},
		"kid a path":             {with("kid", "../../../../dev/null"), false},
		"kid SQL":                {with("kid", "x' OR '1'='1"), false},
		"kid with NUL":           {with("kid", "k0\x00"), false},
		"kid empty":              {with("kid", ""), false},
		"kid an object":          {with("kid", edits{"$ne": ""}), false},
		"kid a number":           {with("kid", 0), false},
		"kid endless":            {with("kid", strings.Repeat("k", 4000)), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			err := attempt(t, withKeys(t, "signer", ecJWK(0)), assertion(t, tc.header, nil))
			if (err == nil) != tc.ok {
				t.Errorf("with %v: %v", tc.header, err)
			}
		})
	}
}

func TestClientAssertionEncoding(t *testing.T) {
	t.Parallel()

	good := assertion(t, nil, nil)
	parts := strings.Split(good, ".")
	last := good[len(good)-1:]
	flattened, err := json.Marshal(map[string]string{"protected": parts[0], "payload": parts[1], "signature": parts[2]})
	if err != nil {
		t.Fatal(err)
	}
	// The last character of 64 bytes has four bits that mean nothing.
	respelled := good[:len(good)-1] + string(base64Alphabet[strings.Index(base64Alphabet, last)^1])

	for name, compact := range map[string]string{
		"a line break":         good[:8] + "\n" + good[8:],
		"a carriage return":    good + "\r",
		"a space":              " " + good,
		"padding":              good + "==",
		"a spare bit":          respelled,
		"the other alphabet":   base64.StdEncoding.EncodeToString([]byte(goodHeader(with("x", "???>>>")))) + good[len(parts[0]):],
		"JSON serialisation":   string(flattened),
		"no signature":         parts[0] + "." + parts[1] + ".",
		"two parts":            parts[0] + "." + parts[1],
		"four parts":           good + ".",
		"five parts of a JWE":  encode(`{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483647,"p2s":"AAAA"}`) + "....",
		"an empty key":         encode(`{"alg":"A128KW","enc":"A128GCM"}`) + "..AA.AA.AA",
		"100 000 dots":         strings.Repeat(".", 100_000),
		"too long":             assertion(t, nil, with("x", strings.Repeat("x", jws.MaxLength))),
		"a header of arrays":   encode(strings.Repeat("[", 10_000)) + good[len(parts[0]):],
		"alg twice":            sign(t, ecKeys[0](), "ES256", `{"alg":"none",`+goodHeader(nil)[1:], goodClaims(nil)),
		"header and no object": sign(t, ecKeys[0](), "ES256", `"ES256"`, goodClaims(nil)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if attempt(t, withKeys(t, "signer", ecJWK(0)), compact) == nil {
				t.Errorf("%.200q passed", compact)
			}
		})
	}
}

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func TestClientAssertionSignature(t *testing.T) {
	t.Parallel()

	good := assertion(t, nil, nil)
	signed := good[:strings.LastIndexByte(good, '.')]
	sum := sha256.Sum256([]byte(signed))
	der, err := ecdsa.SignASN1(rand.Reader, ecKeys[0](), sum[:])
	if err != nil {
		t.Fatal(err)
	}
	jwk, err := json.Marshal(ecJWK(1))
	if err != nil {
		t.Fatal(err)
	}
	point, err := x509.MarshalPKIXPublicKey(ecKeys[0]().Public())
	if err != nil {
		t.Fatal(err)
	}
	valid := signature(t, ecKeys[0](), "ES256", signed)
	changed := slices.Clone(valid)
	changed[40] ^= 1

	for name, compact := range map[string]string{
		"changed":                          swapSignature(good, changed),
		"r and s are zero":                 swapSignature(good, make([]byte, 64)),
		"in DER":                           swapSignature(good, der),
		"a byte short":                     swapSignature(good, valid[:63]),
		"a byte more":                      swapSignature(good, append(valid, 0)),
		"of a stranger":                    sign(t, ecKeys[1](), "ES256", goodHeader(nil), goodClaims(nil)),
		"of a unregistered without a kid":  sign(t, ecKeys[1](), "ES256", goodHeader(with("kid", nil)), goodClaims(nil)),
		"of a unregistered who brings jwk": sign(t, ecKeys[1](), "ES256", goodHeader(with("jwk", json.RawMessage(jwk))), goodClaims(nil)),
		"a MAC under the public key":       sign(t, point, "HS256", goodHeader(with("alg", "HS256")), goodClaims(nil)),
		"a MAC that claims to be ES256":    sign(t, point, "HS256", goodHeader(nil), goodClaims(nil)),
		"over other claims":                encode(goodHeader(nil)) + "." + encode(goodClaims(with("jti", "2"))) + good[len(signed):],
		"over another header":              encode(goodHeader(with("typ", "JWT"))) + good[strings.IndexByte(good, '.'):],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if attempt(t, withKeys(t, "signer", ecJWK(0)), compact) == nil {
				t.Errorf("%q passed", compact)
			}
		})
	}
}

func TestClientAssertionKey(t *testing.T) {
	t.Parallel()

	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jwk := func(key any) jose.JSONWebKey { return jose.JSONWebKey{Key: key, KeyID: "k0"} }
	marked := func(key jose.JSONWebKey, use, alg string) jose.JSONWebKey {
		key.Use, key.Algorithm = use, alg
		return key
	}
	named := func(key jose.JSONWebKey, kid string) jose.JSONWebKey {
		key.KeyID = kid
		return key
	}
	unregisteredKeys := make([]jose.JSONWebKey, jws.MaxTries)
	for i := range unregisteredKeys {
		unregisteredKeys[i] = ecJWK(1)
	}
	ec, rs, ed := ecKeys[0](), rsaKeys[0](), edKeys[0]()

	for name, tc := range map[string]struct {
		alg  string
		key  any
		keys []jose.JSONWebKey
		ok   bool
	}{
		"RS256":                        {"RS256", rs, []jose.JSONWebKey{rsaJWK(0)}, true},
		"PS256":                        {"PS256", rs, []jose.JSONWebKey{rsaJWK(0)}, true},
		"ES256":                        {"ES256", ec, []jose.JSONWebKey{ecJWK(0)}, true},
		"EdDSA":                        {"EdDSA", ed, []jose.JSONWebKey{edJWK(0)}, true},
		"EdDSA by its newer name":      {"Ed25519", ed, []jose.JSONWebKey{edJWK(0)}, true},
		"a key by its newer name":      {"EdDSA", ed, []jose.JSONWebKey{marked(edJWK(0), "sig", "Ed25519")}, true},
		"marked for it":                {"ES256", ec, []jose.JSONWebKey{marked(ecJWK(0), "sig", "ES256")}, true},
		"among others":                 {"ES256", ec, []jose.JSONWebKey{rsaJWK(0), edJWK(0), named(ecJWK(1), "k1"), ecJWK(0)}, true},
		"one of two with the same kid": {"ES256", ec, []jose.JSONWebKey{ecJWK(1), ecJWK(0)}, true},
		"the tenth":                    {"ES256", ec, append(unregisteredKeys[:jws.MaxTries-1:jws.MaxTries-1], ecJWK(0)), true},

		"the eleventh":              {"ES256", ec, append(unregisteredKeys[:jws.MaxTries:jws.MaxTries], ecJWK(0)), false},
		"under another kid":         {"ES256", ec, []jose.JSONWebKey{named(ecJWK(0), "k1")}, false},
		"under no kid":              {"ES256", ec, []jose.JSONWebKey{named(ecJWK(0), "")}, false},
		"for encryption":            {"ES256", ec, []jose.JSONWebKey{marked(ecJWK(0), "enc", "")}, false},
		"for another alg":           {"RS256", rs, []jose.JSONWebKey{marked(rsaJWK(0), "", "PS256")}, false},
		"PS256 sent as RS256":       {"RS256", rsaAs{rs, "PS256"}, []jose.JSONWebKey{rsaJWK(0)}, false},
		"RS256 sent as PS256":       {"PS256", rsaAs{rs, "RS256"}, []jose.JSONWebKey{rsaJWK(0)}, false},
		"RSA of 1024 bits":          {"RS256", small, []jose.JSONWebKey{jwk(small.Public())}, false},
		"P-384":                     {"ES256", p384, []jose.JSONWebKey{jwk(p384.Public())}, false},
		"a private key":             {"ES256", ec, []jose.JSONWebKey{jwk(ec)}, false},
		"a symmetric key":           {"ES256", []byte(longSecret), []jose.JSONWebKey{jwk([]byte(longSecret))}, false},
		"no keys":                   {"ES256", ec, nil, false},
		"RS256 with an EC key":      {"RS256", ec, []jose.JSONWebKey{ecJWK(0)}, false},
		"EdDSA with an EC key":      {"EdDSA", ec, []jose.JSONWebKey{ecJWK(0)}, false},
		"ES256 with an Ed25519 key": {"ES256", ed, []jose.JSONWebKey{edJWK(0)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			key, alg := tc.key, tc.alg
			if as, ok := key.(rsaAs); ok {
				key, alg = as.key, as.alg
			}
			compact := sign(t, key, alg, goodHeader(with("alg", tc.alg)), goodClaims(nil))
			err := attempt(t, withKeys(t, "signer", tc.keys...), compact)
			if (err == nil) != tc.ok {
				t.Errorf("%s with %d keys: %v", tc.alg, len(tc.keys), err)
			}
		})
	}
}

// rsaAs signs with another algorithm than the header says.
type rsaAs struct {
	key *rsa.PrivateKey
	alg string
}

func TestRegisteredAlgorithmOfClientAssertion(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		change func(*client.Client)
		ok     bool
	}{
		"the alg it registered":  {func(c *client.Client) { c.TokenEndpointAuthSigningAlg = "ES256" }, true},
		"another alg":            {func(c *client.Client) { c.TokenEndpointAuthSigningAlg = "PS256" }, false},
		"alg none":               {func(c *client.Client) { c.TokenEndpointAuthSigningAlg = "none" }, false},
		"a secret in the header": {func(c *client.Client) { c.TokenEndpointAuthMethod = client.AuthBasic }, false},
		"nothing, which is that": {func(c *client.Client) { c.TokenEndpointAuthMethod = "" }, false},
		"no authentication":      {func(c *client.Client) { c.TokenEndpointAuthMethod = client.AuthNone }, false},
		"keys that are no keys":  {func(c *client.Client) { c.JWKS = json.RawMessage(`[]`) }, false},
		"no keys at all":         {func(c *client.Client) { c.JWKS = nil }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			c := withKeys(t, "signer", ecJWK(0))
			tc.change(c)
			if err := attempt(t, c, assertion(t, nil, nil)); (err == nil) != tc.ok {
				t.Errorf("with %+v: %v", c.Metadata, err)
			}
		})
	}
}
