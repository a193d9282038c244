package client

import (
	"context"
	"slices"
	"time"
)

// MaxRotated is the maximum number of replaced secrets of a client.
const MaxRotated = 5

// RotatedSecret is a replaced secret that stays valid until a given time, so that the
// instances of a client can switch one after another. It authenticates the client at the
// token, revocation and introspection endpoints, but not for client registration.
type RotatedSecret struct {
	Secret    Secret    `json:"secret"`
	ExpiresAt time.Time `json:"until"`
}

// PreviousSecrets returns the replaced secrets that are valid at now.
func (c *Client) PreviousSecrets(now time.Time) []Secret {
	var good []Secret
	for _, old := range c.RotatedSecrets {
		if now.Before(old.ExpiresAt) {
			good = append(good, old.Secret)
		}
	}
	return good
}

// Rotate sets and returns a new random secret, and ends the registration access tokens of c.
// The replaced secret stays valid until the given time; the newest [MaxRotated] replaced
// secrets are kept.
func (k SecretStore) Rotate(ctx context.Context, c *Client, now, until time.Time) (string, error) {
	before := slices.DeleteFunc(slices.Clone(c.RotatedSecrets), func(old RotatedSecret) bool { return !now.Before(old.ExpiresAt) })
	if c.Secret != "" && now.Before(until) {
		before = append([]RotatedSecret{{c.Secret, until}}, before...)
	}
	secret := c.NewSecret()
	if err := k.keep(ctx, c, secret); err != nil {
		return "", err
	}
	c.EndRegistrationTokens()
	c.RotatedSecrets = before[:min(len(before), MaxRotated)]
	return secret, nil
}

// Reseal reseals the secrets of c under the current key, and reports whether it changed any.
func (c *Client) Reseal(v Resealer) (changed bool, err error) {
	all := []*Secret{&c.Secret}
	for i := range c.RotatedSecrets {
		all = append(all, &c.RotatedSecrets[i].Secret)
	}
	for _, secret := range all {
		resealed, err := secret.Reseal(v, c.ID)
		if err != nil {
			return changed, err
		}
		changed = changed || resealed != *secret
		*secret = resealed
	}
	return changed, nil
}
