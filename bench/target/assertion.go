package target

import (
	"crypto/rand"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// assertionLifetime is longer than the use of a pool, and short enough for servers
// that limit it.
const assertionLifetime = 5 * time.Minute

// Assertion returns a new signed assertion of the client (RFC 7523 section 3).
func (c *Client) Assertion(audience string) (string, error) {
	key := jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: c.Key, KeyID: keyID}}
	signer, err := jose.NewSigner(key, nil)
	if err != nil {
		return "", fmt.Errorf("sign assertion: %w", err)
	}
	now := time.Now()
	assertion, err := jwt.Signed(signer).Claims(map[string]any{
		"iss": c.ID, "sub": c.ID, "aud": audience, "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(assertionLifetime).Unix(),
	}).Serialize()
	if err != nil {
		return "", fmt.Errorf("sign assertion: %w", err)
	}
	return assertion, nil
}
