// Package registration serves dynamic client registration and management (RFC 7591, RFC
// 7592, OpenID Connect Registration).
//
// Clients are untrusted: package client validates their metadata, the server generates
// identifiers and secrets, and members that only operators may set keep their values.
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

// Mode determines which clients may register.
type Mode string

// The modes, as in the configuration. Token requires an initial access token.
const (
	Closed Mode = "closed"
	Token  Mode = "token"
	Open   Mode = "open"
)

// Clients stores clients. It reads the current record, without a cache.
type Clients interface {
	Client(ctx context.Context, id string) (*client.Client, error)
	InsertClient(ctx context.Context, c *client.Client) error
	// UpdateClient stores c if the stored version is c.Version, and otherwise returns
	// [client.ErrConflict].
	UpdateClient(ctx context.Context, c *client.Client) error
	// UpdateClientDroppingConsents is UpdateClient and deletes the consents of the client in
	// the same transaction.
	UpdateClientDroppingConsents(ctx context.Context, c *client.Client) error
	DeleteClient(ctx context.Context, id string) error
}

// Config configures a [Handler].
type Config struct {
	Issuer        string
	Mode          Mode
	InitialTokens [][]byte // SHA-256 of each initial access token (RFC 7591 §3)
	// StatementKeys are the keys of the trusted issuers of software statements, by issuer.
	StatementKeys  map[string][]jose.JSONWebKey
	Policy         client.Policy
	Scopes         scope.Source // contains the scopes that clients may register
	Clients        Clients
	Documents      client.Documents // fetches sector_identifier_uri
	Hasher         client.Hasher
	Sealer         client.Sealer
	SecretThrottle client.Throttle // limits attempts with short secrets; it may be nil
	Audit          manage.AuditLog
	Address        func(context.Context) netip.Addr // of the client
	RequestID      func(context.Context) string
	Now            func() time.Time
	Log            *slog.Logger
	// QuerySecrets accepts ?client_secret= for /connect/register.
	QuerySecrets bool
}

// Handler serves the registration endpoints.
type Handler struct {
	Config

	errors *httpapi.Errors
}

// policy returns the current policy for c, or for a new client if c is nil. c keeps the
// scopes that it already has.
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

// New returns a handler.
func New(c Config) *Handler {
	c.Policy.SelfRegistered = true
	return &Handler{Config: c, errors: newErrors()}
}

func (h *Handler) secretStore() client.SecretStore {
	return client.SecretStore{Hasher: h.Hasher, Sealer: h.Sealer}
}

func (h *Handler) authenticator() authenticator { return authenticator{&h.Config} }

func (h *Handler) statements() statements { return statements{h.StatementKeys, h.Issuer, h.Now()} }
