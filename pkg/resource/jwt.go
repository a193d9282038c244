package resource

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/jws"
	"github.com/ostiary/ostiary/internal/refusal"
)

// JWTConfig configures a [JWT]. Issuer is required.
type JWTConfig struct {
	// Issuer is the issuer identifier of the authorization server, exactly as in its metadata.
	Issuer string
	// KeysURL is the URL of the key set of the issuer. The default is jwks_uri of its metadata.
	KeysURL string
	// Algorithms are the accepted signature algorithms. The default is ES256, PS256, RS256 and EdDSA.
	Algorithms []string
	// HTTPClient fetches metadata and keys. The default has a timeout of 10 s and follows no redirects.
	HTTPClient *http.Client
	// Now returns the time. The default is [time.Now].
	Now func() time.Time
}

// JWT is a [Lookup] that verifies signed access tokens with the keys of their issuer. It does not
// notice that a token was revoked before it expires: use [Introspection] where that matters.
//
// The keys are fetched when the first token arrives, then after five minutes, or for a token with an
// unknown kid, then at most every five seconds and once a minute for one kid. While the issuer cannot
// be reached, keys are used for another hour.
//
// Spec: RFC 9068 §4, RFC 8725 §3.
type JWT struct {
	issuer     string
	algorithms []string
	keys       *keySet
	now        func() time.Time
}

// NewJWT returns a lookup of signed tokens.
func NewJWT(c JWTConfig) (*JWT, error) {
	documents, err := newIssuerDocuments(c.Issuer, c.HTTPClient)
	if err != nil {
		return nil, err
	}
	v := &JWT{issuer: c.Issuer, algorithms: c.Algorithms, now: c.Now}
	if v.now == nil {
		v.now = time.Now //nolint:forbidigo // the default of the injected clock
	}
	if len(v.algorithms) == 0 {
		v.algorithms = jws.Algorithms()
	}
	for _, alg := range v.algorithms {
		if !slices.Contains(jws.Algorithms(), alg) {
			return nil, fmt.Errorf("invalid algorithm %q: supported are %s", alg, strings.Join(jws.Algorithms(), ", "))
		}
	}
	v.keys = &keySet{documents: documents, url: c.KeysURL, now: v.now}
	return v, nil
}

// Lookup implements [Lookup].
func (v *JWT) Lookup(ctx context.Context, token string) (*Token, error) {
	signed, err := jws.Parse(token)
	switch {
	case err != nil:
		return nil, inactive(refusal.TokenMalformed, "the token is not a signed JWT")
	case !signed.Header.Has("typ") || !signed.Typed("at+jwt"):
		return nil, inactive(refusal.TokenMalformed, "the typ of the token is not at+jwt: it is not an access token")
	case !slices.Contains(v.algorithms, signed.Alg):
		return nil, inactive(refusal.TokenSignature, "the algorithm of the token is not accepted")
	case signed.Payload.Text("iss") != v.issuer:
		return nil, inactive(refusal.TokenSignature, "the token is of another issuer")
	}
	if err := v.verify(ctx, signed); err != nil {
		return nil, err
	}
	return v.check(signed.Payload)
}

// verify returns nil if a key of the issuer made the signature.
func (v *JWT) verify(ctx context.Context, signed *jws.JWS) error {
	keys, err := v.keys.get(ctx, signed.KID)
	if err != nil {
		return err
	}
	switch err := signed.Verify(keys); {
	case errors.Is(err, jws.ErrNoKey):
		return inactive(refusal.TokenSignature, "no key of the issuer has the kid and the algorithm of the token")
	case err != nil:
		return inactive(refusal.TokenSignature, "the signature of the token does not verify")
	}
	return nil
}

// check returns the token of verified claims.
//
// Spec: RFC 9068 §2.2, §4.
func (v *JWT) check(claims jws.Object) (*Token, error) {
	t, err := tokenOf(claims)
	if err != nil {
		return nil, inactive(refusal.TokenMalformed, "the claims of the token cannot be read")
	}
	now := v.now()
	issuedTo := refusal.Registered("issued_to", t.ClientID)
	notBefore, limited := claims.Date("nbf")
	switch {
	case t.Expiry.IsZero() || t.IssuedAt.IsZero() || t.Subject == "" || t.ClientID == "" || t.ID == "" || len(t.Audience) == 0:
		return nil, inactive(refusal.TokenMalformed, "the token lacks one of the claims exp, iat, sub, client_id, jti and aud", issuedTo)
	case !now.Before(t.Expiry):
		return nil, inactive(refusal.TokenExpired, "the token has expired", issuedTo, refusal.At("expired_at", t.Expiry))
	case t.IssuedAt.After(now.Add(clockSkew)) || limited && notBefore.After(now.Add(clockSkew)):
		return nil, inactive(refusal.TokenInactive, "the token is not valid yet", issuedTo, refusal.At("issued_at", t.IssuedAt))
	}
	return t, nil
}
