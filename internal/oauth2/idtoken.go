package oauth2

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/handler/openid"

	"github.com/ostiary/ostiary/internal/jwks"
)

var _ openid.OpenIDConnectTokenStrategy = strategy{}

// GenerateIDToken returns the ID token for the grant held (OpenID Connect Core
// section 2; section 12.2 for a refresh, which leaves the nonce out). fosite's
// lifespan is not used.
func (s strategy) GenerateIDToken(ctx context.Context, _ time.Duration, _ fosite.Requester) (string, error) {
	u := unitOf(ctx)
	if u.held == nil {
		return "", u.fail(errNoUnit)
	}
	claims, err := s.idTokenClaims(ctx, u)
	if err != nil {
		return "", u.fail(err)
	}
	token, err := s.Keys.SignClaims(ctx, idTokenAlg(u), "JWT", claims)
	if err != nil {
		return "", u.fail(fmt.Errorf("sign ID token: %w", err))
	}
	return token, nil
}

func (s strategy) idTokenClaims(ctx context.Context, u *unit) (map[string]any, error) {
	detail := u.held.Detail
	claims, err := s.IDTokenClaims(u.held.Claims, detail.Claims)
	if err != nil {
		return nil, fmt.Errorf("select ID token claims: %w", err)
	}
	if claims == nil {
		claims = map[string]any{}
	}
	// The protocol's own claims are written last: nothing a person's account says
	// takes their place.
	claims["iss"] = s.Issuer
	claims["sub"] = u.held.Subject
	claims["aud"] = u.client.ID
	claims["iat"] = u.now.Unix()
	claims["exp"] = u.now.Add(s.Lifetimes.IDToken).Unix()
	claims["auth_time"] = detail.AuthTime
	set(claims, "acr", detail.ACR)
	set(claims, "sid", u.held.SessionID)
	if len(detail.AMR) > 0 {
		claims["amr"] = detail.AMR
	}
	if u.form.Get("grant_type") == "authorization_code" {
		set(claims, "nonce", detail.Nonce)
	}
	if answer, ok := ctx.Value(fosite.AccessResponseContextKey).(fosite.AccessResponder); ok {
		claims["at_hash"] = halfHash(idTokenAlg(u), answer.GetAccessToken())
	}
	return claims, nil
}

func set(claims map[string]any, name, value string) {
	if value != "" {
		claims[name] = value
	}
}

func idTokenAlg(u *unit) jwks.Algorithm {
	if alg := u.client.IDTokenSignedResponseAlg; alg != "" {
		return jwks.Algorithm(alg)
	}
	return jwks.ES256
}

// halfHash returns the left half of the token's hash, by the hash function of
// the signature (OpenID Connect Core section 3.1.3.6). Ed25519 hashes with
// SHA-512 inside.
func halfHash(alg jwks.Algorithm, token string) string {
	if alg == jwks.EdDSA {
		sum := sha512.Sum512([]byte(token))
		return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
	}
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}
