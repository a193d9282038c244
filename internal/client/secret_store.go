package client

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
)

// sealedPrefix is the prefix of a sealed [Secret].
const sealedPrefix = "sealed$"

var (
	// ErrNoSealer reports that a secret must be sealed or opened but no system secret is
	// configured.
	ErrNoSealer = errors.New("client_secret_jwt needs a system secret to seal the client secret")
	// errNotSealed reports a secret that is stored as a hash and cannot be read.
	errNotSealed = errors.New("the client secret is stored as a hash")
)

// Sealer encrypts and decrypts. A sealed value opens only for the purpose for which it was
// sealed.
type Sealer interface {
	Seal(purpose string, plaintext []byte) ([]byte, error)
	Open(purpose string, sealed []byte) ([]byte, error)
}

// SecretStore sets and checks client secrets in the form that the client's authentication
// method needs: a hash, or sealed for client_secret_jwt.
type SecretStore struct {
	Hasher Hasher
	Sealer Sealer // nil where no client signs with its secret
}

// NewSecret returns a random client secret of the length that the client needs.
func (m *Metadata) NewSecret() string {
	if m.TokenEndpointAuthMethod == AuthSecretJWT {
		return token(48) // 64 characters: enough for HS512
	}
	return NewSecret()
}

// CheckSecret is [CheckSecret] for the client, whose method may need a longer secret.
func (m *Metadata) CheckSecret(secret string) error {
	if least := m.leastSecret(); len(secret) < least {
		return fmt.Errorf("client_secret must have at least %d characters for this token_endpoint_auth_method", least)
	}
	return CheckSecret(secret)
}

// leastSecret returns the minimum length in bytes of the client's secret. For
// client_secret_jwt it is the output size of the hash (RFC 7518 §3.2).
func (m *Metadata) leastSecret() int {
	if m.TokenEndpointAuthMethod != AuthSecretJWT {
		return 0
	}
	switch m.TokenEndpointAuthSigningAlg {
	case "HS384":
		return 48
	case "HS512":
		return 64
	}
	return strong
}

// Set sets the client secret of c, of an unknown age, and removes the others. If the secret changes, the
// registration access tokens of c end too: the holder of a leaked secret may have created
// them.
func (k SecretStore) Set(ctx context.Context, c *Client, secret string) error {
	if err := c.CheckSecret(secret); err != nil {
		return err
	}
	if c.Secret != "" && c.hasRegistrationToken() {
		if same, err := k.Verify(ctx, c, secret); err != nil || !same {
			c.EndRegistrationTokens()
		}
	}
	c.SecretCreatedAt = time.Time{}
	return k.keep(ctx, c, secret)
}

// keep sets secret in the form that the authentication method of c needs.
func (k SecretStore) keep(ctx context.Context, c *Client, secret string) (err error) {
	c.RotatedSecrets = nil
	if c.TokenEndpointAuthMethod != AuthSecretJWT {
		c.Secret, err = HashSecret(ctx, k.Hasher, secret)
		return err
	}
	c.Secret, err = sealSecret(k.Sealer, c.ID, secret)
	return err
}

// Verify reports whether secret is the client secret of c.
func (k SecretStore) Verify(ctx context.Context, c *Client, secret string) (bool, error) {
	if !c.Secret.IsSealed() {
		return c.Secret.Verify(ctx, k.Hasher, secret)
	}
	kept, err := c.Secret.Reveal(k.Sealer, c.ID)
	return err == nil && equal(kept, secret), err
}

// Adapt converts the secret of c to the form that its authentication method needs. If that is
// impossible it removes the secret and ends the registration access tokens: client_secret_jwt
// needs the secret itself and not its hash.
func (k SecretStore) Adapt(ctx context.Context, c *Client) error {
	signs := c.TokenEndpointAuthMethod == AuthSecretJWT
	switch {
	case !c.UsesSecret() || signs && !c.Secret.IsSealed():
		c.dropSecret()
		return nil
	case !c.Secret.IsSealed():
		return nil
	}
	secret, err := c.Secret.Reveal(k.Sealer, c.ID)
	switch {
	case err != nil:
		return err
	case len(secret) < c.leastSecret(): // the algorithm has changed
		c.dropSecret()
		return nil
	case signs:
		return nil
	}
	return k.keep(ctx, c, secret)
}

// dropSecret removes the client secret, the rotated ones and, if there was a secret, the
// registration access tokens.
func (c *Client) dropSecret() {
	if c.Secret != "" {
		c.EndRegistrationTokens()
	}
	c.Secret, c.SecretCreatedAt, c.RotatedSecrets = "", time.Time{}, nil
}

// IsSealed reports whether the secret can be opened.
func (s Secret) IsSealed() bool { return strings.HasPrefix(string(s), sealedPrefix) }

// Reveal opens the secret of the client with the given ID.
func (s Secret) Reveal(v Sealer, id string) (string, error) {
	sealed, err := s.box()
	if err != nil {
		return "", err
	}
	if v == nil {
		return "", ErrNoSealer
	}
	secret, err := v.Open(sealPurpose(id), sealed)
	if err != nil {
		return "", fmt.Errorf("open client secret: %w", err)
	}
	return string(secret), nil
}

// Resealer is a [Sealer] whose key can be rotated.
type Resealer interface {
	Sealer
	// SealedUnderFirst reports whether sealed was sealed under the current key.
	SealedUnderFirst(sealed []byte) bool
}

// Reseal returns the secret of the client with the given ID, sealed under the current key. A
// secret that is not sealed is returned unchanged.
func (s Secret) Reseal(v Resealer, id string) (Secret, error) {
	if !s.IsSealed() {
		return s, nil
	}
	sealed, err := s.box()
	if err != nil || v.SealedUnderFirst(sealed) {
		return s, err
	}
	secret, err := s.Reveal(v, id)
	if err != nil {
		return s, err
	}
	return sealSecret(v, id, secret)
}

// box returns the sealed bytes of the secret.
func (s Secret) box() ([]byte, error) {
	encoded, ok := strings.CutPrefix(string(s), sealedPrefix)
	if !ok {
		return nil, errNotSealed
	}
	sealed, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return nil, fmt.Errorf("read client secret: %w", err)
	}
	return sealed, nil
}

func sealSecret(v Sealer, id, secret string) (Secret, error) {
	if v == nil {
		return "", ErrNoSealer
	}
	sealed, err := v.Seal(sealPurpose(id), []byte(secret))
	if err != nil {
		return "", fmt.Errorf("seal client secret: %w", err)
	}
	return Secret(sealedPrefix + base64.RawURLEncoding.EncodeToString(sealed)), nil
}

// sealPurpose binds a sealed secret to its client: in the row of another client it cannot be
// opened.
func sealPurpose(id string) string { return "client secret of " + id }
