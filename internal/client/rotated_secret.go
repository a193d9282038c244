package client

import (
	"context"
	"slices"
	"time"
)

// MaxRotated is the maximum number of secrets of a client beside the current one.
const MaxRotated = 5

// RotatedSecret is an earlier secret that stays valid until a given time, or until it is removed. It
// authenticates the client at the token, revocation and introspection endpoints, but not for client
// registration.
type RotatedSecret struct {
	Secret    Secret    `json:"secret"`
	ExpiresAt time.Time `json:"until"`
	CreatedAt time.Time `json:"created,omitzero"` // zero if an earlier version made it
}

// NeverExpires is the expiry of a secret that stays valid until it is removed.
func NeverExpires() time.Time { return time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC) }

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
	secret, err := k.replace(ctx, c, now, until)
	if err != nil {
		return "", err
	}
	c.EndRegistrationTokens()
	c.RotatedSecrets = c.RotatedSecrets[:min(len(c.RotatedSecrets), MaxRotated)]
	return secret, nil
}

// replace sets and returns a new random secret. The current one stays valid until the given time, as do
// the others.
func (k SecretStore) replace(ctx context.Context, c *Client, now, until time.Time) (string, error) {
	before := c.others(now)
	if c.Secret != "" && now.Before(until) {
		before = append([]RotatedSecret{{c.Secret, until, c.SecretCreatedAt}}, before...)
	}
	secret := c.NewSecret()
	if err := k.keep(ctx, c, secret); err != nil {
		return "", err
	}
	c.SecretCreatedAt, c.RotatedSecrets = now, before
	return secret, nil
}

// others returns the secrets beside the current one that are valid at now.
func (c *Client) others(now time.Time) []RotatedSecret {
	return slices.DeleteFunc(slices.Clone(c.RotatedSecrets), func(old RotatedSecret) bool { return !now.Before(old.ExpiresAt) })
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
