package assertion

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/trustedissuer"
)

const (
	here     = "https://id.example.org"
	endpoint = here + "/oauth2/token"
	they     = "https://issuer.example"
)

// clock is the time in these tests.
func clock() time.Time { return time.Unix(1_800_000_000, 0).UTC() }

// signingKey is always the same, so that committed seeds stay good.
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

// goodHeader and goodClaims are those of an assertion that passes, edited.
func goodHeader(e edits) string { return e.of(map[string]any{"alg": "EdDSA", "kid": "k0"}) }

func goodClaims(e edits) string {
	return e.of(map[string]any{
		"iss": they, "sub": "mike", "aud": here, "jti": "1", "iat": clock().Unix(), "exp": clock().Add(time.Minute).Unix(),
	})
}

func encode(part string) string { return base64.RawURLEncoding.EncodeToString([]byte(part)) }

// sign makes a compact JWS of any header and payload.
func sign(key ed25519.PrivateKey, header, payload string) string {
	signed := encode(header) + "." + encode(payload)
	return signed + "." + encode(string(ed25519.Sign(key, []byte(signed))))
}

// assertion is a good one, edited.
func assertion(header, claims edits) string {
	return sign(signingKey(0), goodHeader(header), goodClaims(claims))
}

// trust returns trust in the nth key of the issuer for a subject; empty for all subjects.
func trust(n int, subject string) *trustedissuer.Trust {
	kid := "k" + string(rune('0'+n))
	return &trustedissuer.Trust{
		ID: kid + " " + subject, Issuer: they, Subject: subject, Scopes: []string{"api"},
		Key:       jose.JSONWebKey{Key: signingKey(n).Public(), KeyID: kid},
		CreatedAt: clock(), ExpiresAt: clock().Add(time.Hour),
	}
}

// trusting returns a reader over s, in which there is trust in list.
func trusting(tb testing.TB, s *store.Store, list ...*trustedissuer.Trust) *Reader {
	tb.Helper()
	for _, t := range list {
		if err := s.TrustedIssuers.InsertTrust(tb.Context(), t); err != nil {
			tb.Fatal(err)
		}
	}
	return &Reader{Issuer: here, TokenEndpoint: endpoint, Trusts: s.TrustedIssuers, Replay: s.Replay, MaxTTL: time.Hour}
}

// refused fails unless err is a refusal that is fit to be sent.
func refused(tb testing.TB, err error) string {
	tb.Helper()
	refusal, ok := errors.AsType[*oauth2.Error](err)
	if !ok {
		tb.Fatalf("error = %v, want a refusal", err)
	}
	for _, r := range refusal.Description {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			tb.Errorf("description %q holds %q, which no error_description may", refusal.Description, r)
		}
	}
	return refusal.Description
}
