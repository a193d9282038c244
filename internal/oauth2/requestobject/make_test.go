package requestobject

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/oauth2"
)

const issuer = "https://id.example.org"

// clock is the time in these tests.
func clock() time.Time { return time.Unix(1_800_000_000, 0) }

// signingKey is always the same, so that committed seeds stay valid. The first is registered,
// the second is not.
func signingKey(n int) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune('a'+n)), ed25519.SeedSize)))
}

// edits are members to set in a JSON object, or to leave out where they are nil.
type edits map[string]any

func (e edits) of(base map[string]any) string {
	maps.Copy(base, e)
	maps.DeleteFunc(base, func(_ string, v any) bool { return v == nil })
	text, err := json.Marshal(base)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// goodHeader and goodClaims are those of an object that passes, edited.
func goodHeader(e edits) string { return e.of(map[string]any{"alg": "EdDSA", "kid": "k0"}) }

func goodClaims(e edits) string {
	return e.of(map[string]any{
		"iss": "app", "aud": issuer, "iat": clock().Unix(), "exp": clock().Add(time.Minute).Unix(),
		"client_id": "app", "response_type": "code", "redirect_uri": "https://app.example/cb",
		"scope": "openid", "state": "inside",
	})
}

func encode(part string) string { return base64.RawURLEncoding.EncodeToString([]byte(part)) }

// sign makes a compact JWS of any header and payload.
func sign(key ed25519.PrivateKey, header, payload string) string {
	signed := encode(header) + "." + encode(payload)
	return signed + "." + encode(string(ed25519.Sign(key, []byte(signed))))
}

// object is a good one, edited.
func object(header, claims edits) string {
	return sign(signingKey(0), goodHeader(header), goodClaims(claims))
}

func unsigned(claims edits) string {
	return encode(`{"alg":"none"}`) + "." + encode(goodClaims(claims)) + "."
}

// registered gives the keys in the client's metadata.
type registered struct{}

func (registered) Keys(_ context.Context, c *client.Client, _ string) ([]jose.JSONWebKey, error) {
	keys, _ := client.ReadKeySet(c.JWKS)
	if len(keys) == 0 {
		return nil, client.ErrKeysUnavailable
	}
	return keys, nil
}

// site maps the URLs of a client to their documents.
type site map[string]string

var errAbsent = errors.New("answered 404")

func (s site) GetAs(_ context.Context, address, _ string) ([]byte, error) {
	text, ok := s[address]
	if !ok {
		return nil, errAbsent
	}
	return []byte(text), nil
}

func keySet(tb testing.TB, keys ...jose.JSONWebKey) json.RawMessage {
	tb.Helper()
	raw, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// app is the client of these tests.
func app(tb testing.TB) *client.Client {
	tb.Helper()
	return &client.Client{ID: "app", Metadata: client.Metadata{
		JWKS: keySet(tb, jose.JSONWebKey{Key: signingKey(0).Public(), KeyID: "k0"}),
	}}
}

func opener(pages site) *Opener {
	return &Opener{Issuer: issuer, KeySets: registered{}, Documents: pages, Now: clock}
}

// open opens a request of c with the parameters client_id and request only.
func open(tb testing.TB, c *client.Client, compact string) (url.Values, error) {
	tb.Helper()
	return opener(nil).Open(tb.Context(), c, url.Values{"client_id": {c.ID}, "request": {compact}})
}

// responseOf returns err as an error response. It fails for other errors and for invalid
// descriptions.
func responseOf(tb testing.TB, err error) *oauth2.Error {
	tb.Helper()
	refused, ok := errors.AsType[*oauth2.Error](err)
	if !ok {
		tb.Fatalf("error = %v, want a refusal", err)
	}
	for _, r := range refused.Description {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			tb.Errorf("description %q holds %q, which no error_description may", refused.Description, r)
		}
	}
	return refused
}
