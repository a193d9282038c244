package client

import (
	"context"
	"slices"
	"time"
)

// MaxRotated is how many secrets of before a client can have beside its own.
const MaxRotated = 5

// RotatedSecret is a replaced secret that stays valid until a given time, so that the
// instances of a client need not all switch at once. It authenticates the client at the
// token, revocation and introspection endpoints, never at client registration.
type RotatedSecret struct {
	Secret    Secret    `json:"secret"`
	ExpiresAt time.Time `json:"until"`
}

// PreviousSecrets returns the secrets of before that are good at now.
func (c *Client) PreviousSecrets(now time.Time) []Secret {
	var good []Secret
	for _, old := range c.RotatedSecrets {
		if now.Before(old.ExpiresAt) {
			good = append(good, old.Secret)
		}
	}
	return good
}

// Rotate sets a new random secret, which it returns, and ends the registration access
// tokens of c. The replaced secret stays valid until the given time; at most
// [MaxRotated] replaced secrets are kept, the newest first.
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

// Reseal brings the secrets of c into the form in which they would be kept now, and
// reports whether that changed any.
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
