package requestobject

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/oauth2"
)

// wantOpened fails unless err is nil or, where the object must not pass, refuses it.
func wantOpened(t *testing.T, ok bool, err error) {
	t.Helper()
	switch {
	case ok && err != nil:
		t.Errorf("refused: %v", err)
	case !ok && err == nil:
		t.Error("passed")
	case !ok && responseOf(t, err).Code != oauth2.CodeInvalidRequestObject:
		t.Errorf("refusal = %v, want %s", err, oauth2.CodeInvalidRequestObject)
	}
}

func TestRequestObjectHeader(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		header edits
		ok     bool
	}{
		"alg and kid":           {nil, true},
		"no kid":                {edits{"kid": nil}, true},
		"its own typ":           {edits{"typ": "oauth-authz-req+jwt"}, true},
		"its own typ in full":   {edits{"typ": "application/oauth-authz-req+jwt"}, true},
		"typ JWT":               {edits{"typ": "JWT"}, true},
		"the newer name of alg": {edits{"alg": "Ed25519"}, true},
		"a jku nobody reads":    {edits{"jku": "http://127.0.0.1:1/"}, true},

		"alg none":               {edits{"alg": "none"}, false},
		"alg None":               {edits{"alg": "None"}, false},
		"no alg":                 {edits{"alg": nil}, false},
		"alg HS256":              {edits{"alg": "HS256"}, false},
		"alg of another key":     {edits{"alg": "ES256"}, false},
		"crit":                   {edits{"crit": []string{"exp"}, "exp": 1}, false},
		"empty crit":             {edits{"crit": []string{}}, false},
		"b64":                    {edits{"b64": false}, false},
		"typ of an access token": {edits{"typ": "at+jwt"}, false},
		"typ of a DPoP proof":    {edits{"typ": "dpop+jwt"}, false},
		"typ of a logout token":  {edits{"typ": "logout+jwt"}, false},
		"typ of an assertion":    {edits{"typ": "client-authentication+jwt"}, false},
		"typ is an object":       {edits{"typ": edits{}}, false},
		"kid unknown":            {edits{"kid": "k9"}, false},
		"kid a path":             {edits{"kid": "../../dev/null"}, false},
		"kid an object":          {edits{"kid": edits{}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			_, err := open(t, app(t), object(tc.header, nil))
			wantOpened(t, tc.ok, err)
		})
	}
}

func TestRequestObjectClaims(t *testing.T) {
	t.Parallel()

	in := func(d time.Duration) int64 { return clock().Add(d).Unix() }
	for name, tc := range map[string]struct {
		claims edits
		ok     bool
	}{
		"all of it":                {nil, true},
		"none of it":               {edits{"iss": nil, "aud": nil, "iat": nil, "exp": nil, "client_id": nil}, true},
		"us among the audiences":   {edits{"aud": []string{"https://else.example", issuer}}, true},
		"a far exp":                {edits{"exp": in(1000 * time.Hour)}, true},
		"iat and nbf 8 s ahead":    {edits{"iat": in(8 * time.Second), "nbf": in(8 * time.Second)}, true},
		"the sub of a person":      {edits{"sub": "somebody"}, true},
		"members for nobody":       {edits{"extra": []any{1, edits{"x": nil}}, "jti": "1"}, true},
		"iss of another":           {edits{"iss": "other"}, false},
		"iss is a list":            {edits{"iss": []string{"app"}}, false},
		"aud of another":           {edits{"aud": "https://else.example"}, false},
		"aud of others":            {edits{"aud": []string{"https://else.example"}}, false},
		"aud of nobody":            {edits{"aud": []string{}}, false},
		"a prefix of us as aud":    {edits{"aud": issuer[:len(issuer)-1]}, false},
		"aud is an object":         {edits{"aud": edits{"x": issuer}}, false},
		"expired":                  {edits{"exp": in(-time.Second)}, false},
		"expired this instant":     {edits{"exp": in(0)}, false},
		"exp is a string":          {edits{"exp": strconv.FormatInt(in(time.Minute), 10)}, false},
		"exp of 1e300":             {edits{"exp": 1e300}, false},
		"nbf 11 s ahead":           {edits{"nbf": in(11 * time.Second)}, false},
		"iat a minute ahead":       {edits{"iat": in(time.Minute)}, false},
		"iat is a string":          {edits{"iat": "0"}, false},
		"sub is the client":        {edits{"sub": "app"}, false},
		"client_id of another":     {edits{"client_id": "other"}, false},
		"an object inside":         {edits{"request": "a.b.c"}, false},
		"a reference inside":       {edits{"request_uri": "https://app.example/r"}, false},
		"an empty object inside":   {edits{"request": ""}, false},
		"state is an array":        {edits{"state": []string{"x"}}, false},
		"state is an object":       {edits{"state": edits{}}, false},
		"state is true":            {edits{"state": true}, false},
		"state with NUL":           {edits{"state": "a\x00"}, false},
		"a negative max_age":       {edits{"max_age": -1}, false},
		"max_age with a fraction":  {edits{"max_age": 0.5}, false},
		"max_age of 1e3":           {edits{"max_age": json.RawMessage("1e3")}, false},
		"redirect URIs":            {edits{"redirect_uri": []string{"https://app.example/cb"}}, false},
		"a resource that is none":  {edits{"resource": []any{1}}, false},
		"resources in resources":   {edits{"resource": []any{[]string{"https://api.example"}}}, false},
		"a resource with NUL":      {edits{"resource": []string{"\x00"}}, false},
		"endless resources":        {edits{"resource": make([]string, maxItems+1)}, false},
		"nested too deep":          {edits{"claims": json.RawMessage(strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40))}, false},
		"a claim in claims, twice": {edits{"claims": json.RawMessage(`{"id_token":{"acr":null,"acr":{"essential":true}}}`)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			claims := tc.claims
			compact := sign(signingKey(0), goodHeader(nil), claimsText(claims))
			_, err := open(t, app(t), compact)
			wantOpened(t, tc.ok, err)
		})
	}
}

// claimsText is goodClaims for edits that encoding/json would change.
func claimsText(e edits) string {
	raw, ok := e["claims"].(json.RawMessage)
	if !ok {
		return goodClaims(e)
	}
	return strings.Replace(goodClaims(nil), "{", `{"claims":`+string(raw)+",", 1)
}

func TestRequestObjectEncoding(t *testing.T) {
	t.Parallel()

	good := object(nil, nil)
	parts := strings.Split(good, ".")
	twice := strings.Replace(goodClaims(nil), "{", `{"redirect_uri":"https://app.example/other",`, 1)
	for name, compact := range map[string]string{
		"no JWS":              "a",
		"a line break":        good[:8] + "\n" + good[8:],
		"padding":             good + "==",
		"no signature":        parts[0] + "." + parts[1] + ".",
		"two parts":           parts[0] + "." + parts[1],
		"five parts of a JWE": encode(`{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483647,"p2s":"AAAA"}`) + "....",
		"100 000 dots":        strings.Repeat(".", 100_000),
		"too long":            object(nil, edits{"x": strings.Repeat("x", 16<<10)}),
		"JSON serialisation":  `{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`,
		"a member twice":      sign(signingKey(0), goodHeader(nil), twice),
		"disguised twice":     sign(signingKey(0), goodHeader(nil), strings.Replace(twice, "redirect_uri", `redirect\u005furi`, 1)),
		"alg twice":           sign(signingKey(0), `{"alg":"none",`+goodHeader(nil)[1:], goodClaims(nil)),
		"no text":             sign(signingKey(0), goodHeader(nil), strings.Replace(goodClaims(nil), "inside", "\xff", 1)),
		"an array":            sign(signingKey(0), goodHeader(nil), "["+goodClaims(nil)+"]"),
		"arrays never closed": sign(signingKey(0), goodHeader(nil), strings.Repeat("[", 10_000)),
		"20 000 arrays":       strings.Repeat("[", 20_000),
		"another payload":     parts[0] + "." + encode(goodClaims(edits{"state": "changed"})) + "." + parts[2],
		"signed by another":   sign(signingKey(1), goodHeader(nil), goodClaims(nil)),
		"and without a kid":   sign(signingKey(1), goodHeader(edits{"kid": nil}), goodClaims(nil)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			_, err := open(t, app(t), compact)
			wantOpened(t, false, err)
		})
	}
}

func TestRequestObjectAlgorithms(t *testing.T) {
	t.Parallel()

	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	c := &client.Client{ID: "app", Metadata: client.Metadata{JWKS: keySet(t,
		jose.JSONWebKey{Key: ec.Public()}, jose.JSONWebKey{Key: rs.Public()}, jose.JSONWebKey{Key: signingKey(0).Public()},
	)}}
	for alg, key := range map[string]any{"RS256": rs, "PS256": rs, "ES256": ec, "EdDSA": signingKey(0)} {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: key}, nil)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := signer.Sign([]byte(goodClaims(nil)))
		if err != nil {
			t.Fatal(err)
		}
		compact, err := signed.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := open(t, c, compact); err != nil || got.Get("state") != "inside" {
			t.Errorf("%s: %v, %v", alg, got, err)
		}
	}
}

func TestRegisteredAlgorithmOfRequestObject(t *testing.T) {
	t.Parallel()

	plain := unsigned(nil)
	for name, tc := range map[string]struct {
		alg     string
		require bool
		compact string
		ok      bool
	}{
		"the alg it registered":             {"EdDSA", false, object(nil, nil), true},
		"another alg":                       {"PS256", false, object(nil, nil), false},
		"unsigned, as registered":           {"none", false, plain, true},
		"unsigned, and nothing registered":  {"", false, plain, false},
		"unsigned for a signer":             {"EdDSA", false, plain, false},
		"unsigned where it always signs":    {"none", true, plain, false},
		"signed where it never does":        {"none", false, object(nil, nil), false},
		"none with a signature":             {"none", false, plain + "AAAA", false},
		"none in another case":              {"none", false, encode(`{"alg":"NONE"}`) + plain[strings.IndexByte(plain, '.'):], false},
		"unsigned and of another":           {"none", false, unsigned(edits{"iss": "other"}), false},
		"signed where it always signs":      {"", true, object(nil, nil), true},
		"unsigned with an access token typ": {"none", false, encode(`{"alg":"none","typ":"at+jwt"}`) + plain[strings.IndexByte(plain, '.'):], false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			c := app(t)
			c.RequestObjectSigningAlg, c.RequireSignedRequestObject = tc.alg, tc.require
			_, err := open(t, c, tc.compact)
			wantOpened(t, tc.ok, err)
		})
	}
}
