package authorize

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/handler/openid"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/jwks"
)

var _ openid.OpenIDConnectTokenStrategy = strategy{}

// GenerateIDToken returns the ID token for the grant held (OpenID Connect Core
// section 2), signed, and encrypted if the client registered for that. fosite's
// lifespan is not used.
func (s strategy) GenerateIDToken(ctx context.Context, _ time.Duration, _ fosite.Requester) (string, error) {
	u := unitOf(ctx)
	if u.held == nil {
		return "", u.fail(errNoUnit)
	}
	claims, err := s.idTokenClaims(ctx, u, companionsOf(ctx))
	if err != nil {
		return "", u.fail(err)
	}
	token, err := s.Keys.SignClaims(ctx, idTokenAlg(u), "JWT", claims)
	if err != nil {
		return "", u.fail(fmt.Errorf("sign ID token: %w", err))
	}
	if token, err = s.encryptIDToken(ctx, u.client, token); err != nil {
		return "", u.fail(err)
	}
	return token, nil
}

func (s strategy) idTokenClaims(ctx context.Context, u *unit, with companions) (map[string]any, error) {
	detail := u.held.Authorization
	claims, err := s.userClaims(ctx, u, with.none())
	if err != nil {
		return nil, fmt.Errorf("select ID token claims: %w", err)
	}
	// The protocol's own claims are written last: nothing a person's account says
	// takes their place.
	claims["iss"] = s.Issuer
	claims["sub"] = u.held.SubjectFor(s.Subjects.Of(u.client, u.held.Subject))
	claims["aud"] = u.client.ID
	claims["iat"] = u.now.Unix()
	claims["exp"] = u.now.Add(s.idTokenLifetime(u.client, u.way())).Unix()
	claims["auth_time"] = detail.AuthTime
	set(claims, "acr", detail.ACR)
	set(claims, "sid", s.Subjects.Session(u.client, u.held.SessionID))
	if len(detail.AMR) > 0 {
		claims["amr"] = detail.AMR
	}
	if u.form.Get("grant_type") != client.GrantRefreshToken { // section 12.2
		set(claims, "nonce", detail.Nonce)
	}
	with.bind(claims, idTokenAlg(u), u.state)
	return claims, nil
}

// companions are what an ID token goes out with in one answer.
type companions struct{ code, access string }

// companionsOf returns what fosite has put into the answer so far. It makes the ID
// token last.
func companionsOf(ctx context.Context) companions {
	if answer, ok := ctx.Value(fosite.AccessResponseContextKey).(fosite.AccessResponder); ok {
		return companions{access: answer.GetAccessToken()}
	}
	if answer, ok := ctx.Value(fosite.AuthorizeResponseContextKey).(fosite.AuthorizeResponder); ok {
		given := answer.GetParameters()
		return companions{code: given.Get("code"), access: given.Get("access_token")}
	}
	return companions{}
}

// none reports whether the ID token goes out alone. It then is all that the client
// will know of the person, since nothing leads to the userinfo endpoint (OpenID
// Connect Core section 5.4).
func (c companions) none() bool { return c == companions{} }

// bind adds the hashes by which the client sees that nobody has exchanged what
// came along through the browser (OpenID Connect Core sections 3.1.3.6, 3.2.2.9
// and 3.3.2.11; FAPI 1.0 Part 2 section 5.1 for the state).
func (c companions) bind(claims map[string]any, alg jwks.Algorithm, state string) {
	if c.none() {
		return
	}
	for name, value := range map[string]string{"c_hash": c.code, "at_hash": c.access, "s_hash": state} {
		if value != "" {
			claims[name] = halfHash(alg, value)
		}
	}
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
