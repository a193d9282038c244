package clientauth

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/json"
	"errors"
	"hash"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/keyring"
	"github.com/ostiary/ostiary/internal/oauth2"
)

// endlessSecret is long enough for every algorithm.
const endlessSecret = longSecret + longSecret

func vault(tb testing.TB, secret string) *keyring.Keyring {
	tb.Helper()
	secrets, err := keyring.New(secret)
	if err != nil {
		tb.Fatal(err)
	}
	return secrets
}

// withMAC is a client that signs with its secret, and the authenticator that can
// open that.
func withMAC(tb testing.TB, secret, alg string) (*client.Client, *Authenticator) {
	tb.Helper()
	c := &client.Client{ID: "signer", Metadata: client.Metadata{
		TokenEndpointAuthMethod: client.AuthSecretJWT, TokenEndpointAuthSigningAlg: alg,
	}}
	secrets := client.SecretStore{Sealer: vault(tb, longSecret)}
	if err := secrets.Set(tb.Context(), c, secret); err != nil {
		tb.Fatal(err)
	}
	a := newAuthenticator(c)
	a.cfg.Sealer = secrets.Sealer
	return c, a
}

// mac is an assertion that is signed with a secret.
func mac(alg, secret string, header, claims edits) string {
	head := edits{"alg": alg, "kid": nil}
	maps.Copy(head, header)
	signed := encode(goodHeader(head)) + "." + encode(goodClaims(claims))
	maker := map[string]func() hash.Hash{"HS256": sha256.New, "HS384": sha512.New384, "HS512": sha512.New}[alg]
	sum := hmac.New(maker, []byte(secret))
	sum.Write([]byte(signed))
	return signed + "." + encode(string(sum.Sum(nil)))
}

func TestClientMaySignWithItsSecret(t *testing.T) {
	t.Parallel()

	good := mac("HS256", longSecret, nil, nil)
	for name, tc := range map[string]struct {
		secret, alg string
		compact     string
		ok          bool
	}{
		"HS256":                        {longSecret, "", good, true},
		"HS256, as registered":         {longSecret, "HS256", good, true},
		"HS384":                        {endlessSecret, "", mac("HS384", endlessSecret, nil, nil), true},
		"HS512, as registered":         {endlessSecret, "HS512", mac("HS512", endlessSecret, nil, nil), true},
		"a kid that means nothing":     {longSecret, "", mac("HS256", longSecret, edits{"kid": "any"}, nil), true},
		"another secret":               {longSecret, "", mac("HS256", longSecret+"x", nil, nil), false},
		"an empty secret":              {longSecret, "", mac("HS256", "", nil, nil), false},
		"another alg than registered":  {endlessSecret, "HS256", mac("HS512", endlessSecret, nil, nil), false},
		"a secret too short for HS512": {longSecret, "", mac("HS512", longSecret, nil, nil), false},
		"an alg of another length":     {endlessSecret, "", mac("HS512", endlessSecret, edits{"alg": "HS256"}, nil), false},
		"no signature":                 {longSecret, "", good[:strings.LastIndexByte(good, '.')+1], false},
		"half a signature":             {longSecret, "", good[:len(good)-22], false},
		"alg none":                     {longSecret, "", mac("HS256", longSecret, edits{"alg": "none"}, nil), false},
		"crit":                         {longSecret, "", mac("HS256", longSecret, edits{"crit": []string{"exp"}}, nil), false},
		"a foreign audience":           {longSecret, "", mac("HS256", longSecret, nil, with("aud", "https://evil.example")), false},
		"no jti":                       {longSecret, "", mac("HS256", longSecret, nil, with("jti", nil)), false},
		"expired":                      {longSecret, "", mac("HS256", longSecret, nil, with("exp", clock().Unix())), false},
		"another's sub":                {longSecret, "", mac("HS256", longSecret, nil, with("sub", "other")), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			_, a := withMAC(t, tc.secret, tc.alg)
			c, err := a.Authenticate(t.Context(), asserting(tc.compact))
			switch {
			case tc.ok && (err != nil || c.ID != "signer"):
				t.Errorf("refused: %v", err)
			case !tc.ok && (err == nil || refusalOf(t, err).Code != oauth2.CodeInvalidClient):
				t.Errorf("error = %v, want %s", err, oauth2.CodeInvalidClient)
			}
			if tc.ok {
				if _, err := a.Authenticate(t.Context(), asserting(tc.compact)); err == nil {
					t.Error("the assertion passed twice")
				}
			}
		})
	}
}

// The registered method decides whether a signature is verified with a key or with a secret: a
// public key is never used as a secret.
func TestSecretsAndKeysAreNotConfused(t *testing.T) {
	t.Parallel()

	point, err := x509.MarshalPKIXPublicKey(ecKeys[0]().Public())
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{ecJWK(0)}})
	if err != nil {
		t.Fatal(err)
	}
	both, a := withMAC(t, longSecret, "")
	both.JWKS = set
	keyed := withKeys(t, "signer", ecJWK(0))
	keyed.Secret = both.Secret
	hashed := withSecret(t, "signer", client.AuthSecretJWT, longSecret)
	for name, tc := range map[string]struct {
		c       *client.Client
		request *http.Request
	}{
		"a key where a secret is registered":    {both, asserting(assertion(t, nil, nil))},
		"a secret where a key is registered":    {keyed, asserting(mac("HS256", longSecret, nil, nil))},
		"a public key as a secret":              {keyed, asserting(mac("HS256", string(point), nil, nil))},
		"a key set as a secret":                 {keyed, asserting(mac("HS256", string(set), nil, nil))},
		"a secret that is only known by a hash": {hashed, asserting(mac("HS256", longSecret, nil, nil))},
		"a hash as a secret":                    {hashed, asserting(mac("HS256", string(hashed.Secret), nil, nil))},
		"what is kept as a secret":              {both, asserting(mac("HS256", string(both.Secret), nil, nil))},
		"a secret where one is sent":            {withSecret(t, "signer", client.AuthPost, longSecret), asserting(mac("HS256", longSecret, nil, nil))},
		"a secret sent in the header":           {both, basic(form(), "signer", longSecret)},
		"a secret sent in the form":             {both, form("client_id", "signer", "client_secret", longSecret)},
		"what is kept, sent":                    {both, form("client_id", "signer", "client_secret", string(both.Secret))},
		"something short, sent":                 {both, form("client_id", "signer", "client_secret", shortSecret)},
		"its name alone":                        {both, form("client_id", "signer")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			own := newAuthenticator(tc.c)
			own.cfg.Sealer = a.cfg.Sealer
			c, err := own.Authenticate(t.Context(), tc.request)
			if err == nil {
				t.Fatalf("authenticated %q", c.ID)
			}
			if got := refusalOf(t, err); got.Code != oauth2.CodeInvalidClient {
				t.Errorf("refusal = %+v, want %s", got, oauth2.CodeInvalidClient)
			}
		})
	}
}

// A sealed secret that the server cannot open is a server error.
func TestSecretThatCannotBeOpenedIsAServerError(t *testing.T) {
	t.Parallel()

	c, a := withMAC(t, longSecret, "")
	a.cfg.Sealer = vault(t, "another system secret, long enough")
	checkFault(t, a, asserting(mac("HS256", longSecret, nil, nil)), keyring.ErrNoMatchingSecret)

	// It cannot be opened in the row of another client.
	_, a = withMAC(t, longSecret, "")
	moved := *c
	moved.ID = "other"
	own := newAuthenticator(&moved)
	own.cfg.Sealer = a.cfg.Sealer
	_, err := own.Authenticate(t.Context(), asserting(mac("HS256", longSecret, nil, edits{"iss": "other", "sub": "other"})))
	if !errors.Is(err, keyring.ErrNoMatchingSecret) {
		t.Errorf("error = %v, want %v", err, keyring.ErrNoMatchingSecret)
	}
}
