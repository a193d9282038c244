package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"time"
)

// MaxSecrets is the maximum number of valid secrets of a client to which another one can be added.
const MaxSecrets = 5

var (
	// ErrTooManySecrets reports a client with [MaxSecrets] secrets.
	ErrTooManySecrets = errors.New("the client has 5 secrets: remove one first")
	// ErrSecretNotFound reports that no secret of the client has the ID.
	ErrSecretNotFound = errors.New("the client has no such secret")
	// ErrOnlySecret reports that a client would have no secret.
	ErrOnlySecret = errors.New("it is the only secret of the client: add another one first")
)

// ID returns an identifier of the secret for operators, from which the secret cannot be found. It changes
// when the secret is hashed or sealed again.
func (s Secret) ID() string {
	sum := sha256.Sum256([]byte("client secret " + s))
	return hex.EncodeToString(sum[:6])
}

// SecretInfo describes a secret of a client.
type SecretInfo struct {
	ID        string
	Current   bool      // the latest one, which registration requests accept
	CreatedAt time.Time // zero if it is unknown
	ExpiresAt time.Time // zero if it is valid until it is removed
}

// SecretInfos returns the secrets that are valid at now, the latest first.
func (c *Client) SecretInfos(now time.Time) []SecretInfo {
	if c.Secret == "" {
		return nil
	}
	list := []SecretInfo{{ID: c.Secret.ID(), Current: true, CreatedAt: c.SecretCreatedAt}}
	for _, old := range c.others(now) {
		one := SecretInfo{ID: old.Secret.ID(), CreatedAt: old.CreatedAt, ExpiresAt: old.ExpiresAt}
		if !old.ExpiresAt.Before(NeverExpires()) {
			one.ExpiresAt = time.Time{}
		}
		list = append(list, one)
	}
	return list
}

// AddSecret sets and returns a new random secret. The others stay valid until they are removed or expire.
func (k SecretStore) AddSecret(ctx context.Context, c *Client, now time.Time) (string, error) {
	if len(c.SecretInfos(now)) >= MaxSecrets {
		return "", ErrTooManySecrets
	}
	return k.replace(ctx, c, now, NeverExpires())
}

// RemoveSecret removes the secret with the ID, and ends the registration access tokens of c: the holder of
// a leaked secret may have created them. If it is the current one, the latest of the others becomes the current one.
func (c *Client) RemoveSecret(id string, now time.Time) error {
	others := c.others(now)
	if c.Secret != "" && c.Secret.ID() == id {
		if len(others) == 0 {
			return ErrOnlySecret
		}
		c.Secret, c.SecretCreatedAt = others[0].Secret, others[0].CreatedAt
		c.RotatedSecrets = others[1:]
		c.EndRegistrationTokens()
		return nil
	}
	i := slices.IndexFunc(others, func(old RotatedSecret) bool { return old.Secret.ID() == id })
	if i < 0 {
		return ErrSecretNotFound
	}
	c.RotatedSecrets = slices.Delete(others, i, i+1)
	c.EndRegistrationTokens()
	return nil
}
