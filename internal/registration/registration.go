// Package registration lets clients register themselves and manage what they
// registered (RFC 7591, RFC 7592; OpenID Connect Registration).
//
// Nothing a caller says about itself is believed: the metadata passes the
// positive list of package client, identifiers and secrets are made here, and
// what is the operator's to give stays as the operator gave it.
package registration

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/scope"
)

// Mode says who may register.
type Mode string

// The modes, as they are written in the configuration.
const (
	Closed Mode = "closed"
	Token  Mode = "token"
	Open   Mode = "open"
)

// Clients is what registration asks of the store. It reads the client as it is
// now, so no cache stands before it.
type Clients interface {
	Client(ctx context.Context, id string) (*client.Client, error)
	InsertClient(ctx context.Context, c *client.Client) error
	// UpdateClient writes c if the stored Version is still c.Version, else
	// [client.ErrConflict].
	UpdateClient(ctx context.Context, c *client.Client) error
	// UpdateClientDroppingConsents is UpdateClient and forgets, in one transaction, what
	// users allowed the client.
	UpdateClientDroppingConsents(ctx context.Context, c *client.Client) error
	DeleteClient(ctx context.Context, id string) error
}

// Config says what a [Handler] works with.
type Config struct {
	Issuer        string
	Mode          Mode
	InitialTokens [][]byte // SHA-256 of each initial access token (RFC 7591 section 3)
	// StatementKeys are the keys of those whose software statements are believed, by
	// issuer.
	StatementKeys map[string][]jose.JSONWebKey
	Policy        client.Policy
	Scopes        scope.Source // which scopes a client may register for itself
	Clients       Clients
	Documents     client.Documents // fetches what a sector_identifier_uri points to
	Slow          client.Hasher
	Vault         client.Sealer
	Guesses       client.Throttle // bounds the tries at short secrets; nil sets no bound
	Audit         manage.AuditLog
	Address       func(context.Context) netip.Addr // of the caller
	RequestID     func(context.Context) string
	Now           func() time.Time
	Log           *slog.Logger
	// QuerySecrets accepts ?client_secret= under /connect/register.
	QuerySecrets bool
}

// Handler serves the registration endpoints.
type Handler struct {
	Config

	errors *httpapi.Errors
}

// policy returns what a client may say of itself at this moment: c, which keeps the scopes
// that it may have, or a new one if c is nil.
func (h *Handler) policy(ctx context.Context, c *client.Client) (client.Policy, error) {
	scopes, err := h.Scopes.Scopes(ctx)
	if err != nil {
		return client.Policy{}, fmt.Errorf("read scopes: %w", err)
	}
	p := h.Policy
	p.AllowedScopes = scopes.SelfRegistration()
	if c != nil {
		p.AllowedScopes = append(p.AllowedScopes, scopes.Allowed(c)...)
	}
	return p, nil
}

// New returns a Handler.
func New(c Config) *Handler {
	c.Policy.SelfRegistered = true
	return &Handler{Config: c, errors: newErrors()}
}

func (h *Handler) keeper() client.SecretStore {
	return client.SecretStore{Hasher: h.Slow, Sealer: h.Vault}
}
