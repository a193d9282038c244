package manage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/client"
)

// InvalidClientError reports a client that cannot be stored. Code is an error code of RFC 7591
// §3.2.2; Reason names the member and is printable ASCII without quotes.
type InvalidClientError struct{ Code, Reason string }

// Error implements error.
func (e *InvalidClientError) Error() string { return e.Reason }

func invalidClient(reason string) error { return &InvalidClientError{client.InvalidMetadata, reason} }

// InvalidMetadata returns the error for the first fault, or nil.
func InvalidMetadata(faults []client.Fault) error {
	if len(faults) == 0 {
		return nil
	}
	return &InvalidClientError{faults[0].Code, faults[0].String()}
}

// ClientStore reads and changes clients.
type ClientStore interface {
	// Client returns client.ErrNotFound for an unknown ID.
	Client(ctx context.Context, id string) (*client.Client, error)
	// InsertClient returns client.ErrExists for an ID that exists.
	InsertClient(ctx context.Context, c *client.Client) error
	// InsertClients is InsertClient for several clients, all or none.
	InsertClients(ctx context.Context, all []*client.Client) error
	// UpdateClient returns client.ErrConflict if the client was changed since it was read.
	UpdateClient(ctx context.Context, c *client.Client) error
}

// Clients creates and changes clients.
type Clients struct {
	Store     ClientStore
	Secrets   client.SecretStore
	Documents client.Documents
	Now       func() time.Time
}

// ClientID returns id if it is a valid client ID, and a random one if it is empty.
func ClientID(id string) (string, error) {
	if id == "" {
		return client.NewID(), nil
	}
	if err := client.CheckID(id); err != nil {
		return "", invalidClient(err.Error())
	}
	return id, nil
}

// Create completes a client with validated metadata and stores it. It sets the times and,
// if the client needs one, the secret: the given one or a generated one, which it returns.
// Authorize, if not nil, may reject the complete client.
func (m *Clients) Create(
	ctx context.Context, c *client.Client, secret string, authorize func(*client.Client) error,
) (generated string, err error) {
	if generated, err = m.Prepare(ctx, c, secret); err != nil {
		return "", err
	}
	if authorize != nil {
		if err := authorize(c); err != nil {
			return "", err
		}
	}
	return generated, m.Store.InsertClient(ctx, c)
}

// CreateTogether is Create for a client and others that have no secret, all or none.
func (m *Clients) CreateTogether(ctx context.Context, c *client.Client, secret string, others ...*client.Client) (generated string, err error) {
	if generated, err = m.Prepare(ctx, c, secret); err != nil {
		return "", err
	}
	for _, other := range others {
		if _, err := m.Prepare(ctx, other, ""); err != nil {
			return "", err
		}
	}
	return generated, m.Store.InsertClients(ctx, append([]*client.Client{c}, others...))
}

// Prepare is Create without storing the client.
func (m *Clients) Prepare(ctx context.Context, c *client.Client, secret string) (generated string, err error) {
	now := m.Now()
	c.CreatedAt, c.UpdatedAt = now, now
	if err := c.VerifySector(ctx, m.Documents, nil); err != nil {
		return "", err
	}
	return m.SetSecret(ctx, c, secret, false)
}

// SetMetadata replaces the metadata of a stored client with validated metadata.
func (m *Clients) SetMetadata(ctx context.Context, c *client.Client, metadata client.Metadata) error {
	if err := metadata.VerifySector(ctx, m.Documents, &c.Metadata); err != nil {
		return err
	}
	c.Metadata = metadata
	return nil
}

// SetSecret sets the client secret. If secret is empty, it generates and returns one for a
// client that needs but lacks a secret, or if renew is true; otherwise it converts the
// existing secret to the form of the authentication method. A client whose authentication method
// needs no secret loses its secret.
func (m *Clients) SetSecret(ctx context.Context, c *client.Client, secret string, renew bool) (generated string, err error) {
	if secret == "" || !c.UsesSecret() {
		if err := m.Secrets.Adapt(ctx, c); err != nil {
			return "", fmt.Errorf("adapt client secret: %w", err)
		}
		if !c.UsesSecret() || c.Secret != "" && !renew {
			return "", nil
		}
		generated = c.NewSecret()
		secret = generated
	}
	if err := c.CheckSecret(secret); err != nil {
		return "", invalidClient(err.Error())
	}
	if err := m.Secrets.Set(ctx, c, secret); err != nil {
		return "", fmt.Errorf("set client secret: %w", err)
	}
	c.SecretCreatedAt = m.Now()
	return generated, nil
}

// maxUpdates is how often Update is tried if others change the client concurrently.
const maxUpdates = 3

// Update reads a client, changes it and stores it. If another caller changes the client at
// the same time it starts again. Authorize, if not nil, may reject the change.
func (m *Clients) Update(
	ctx context.Context, id string, change func(*client.Client) error, authorize func(before, after *client.Client) error,
) (*client.Client, error) {
	for left := maxUpdates; ; left-- {
		c, err := m.Store.Client(ctx, id)
		if err != nil {
			return nil, err
		}
		before := *c
		if err := change(c); err != nil {
			return nil, err
		}
		c.MarkOperatorScope(&before.Metadata)
		if authorize != nil {
			if err := authorize(&before, c); err != nil {
				return nil, err
			}
		}
		c.UpdatedAt = m.Now()
		err = m.Store.UpdateClient(ctx, c)
		if errors.Is(err, client.ErrConflict) && left > 1 {
			continue
		}
		if err != nil {
			return nil, err
		}
		return c, nil
	}
}

// RotateSecret sets and returns a new random secret. The replaced secret stays valid for
// lifetime.
func (m *Clients) RotateSecret(ctx context.Context, c *client.Client, lifetime time.Duration) (string, error) {
	if !c.UsesSecret() {
		return "", errNoSecret(c)
	}
	now := m.Now()
	return m.Secrets.Rotate(ctx, c, now, now.Add(lifetime))
}

// AddSecret sets and returns a new random secret. The others stay valid until they are removed.
func (m *Clients) AddSecret(ctx context.Context, c *client.Client) (string, error) {
	if !c.UsesSecret() {
		return "", errNoSecret(c)
	}
	return m.Secrets.AddSecret(ctx, c, m.Now())
}

func errNoSecret(c *client.Client) error {
	return invalidClient("token_endpoint_auth_method must be one with a client secret, not " + c.TokenEndpointAuthMethod)
}
