// Package registration lets clients register and manage themselves.
package registration

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/client"
)

// Mode says who may register.
type Mode string

// The modes, as they are written in the configuration.
const (
	Closed Mode = "closed"
	Token  Mode = "token"
	Open   Mode = "open"
)

// Clients is what registration asks of the store.
type Clients interface {
	Client(ctx context.Context, id string) (*client.Client, error)
	InsertClient(ctx context.Context, c *client.Client) error
	// UpdateClient writes c if the stored Version is still c.Version, else
	// [client.ErrRaced].
	UpdateClient(ctx context.Context, c *client.Client) error
	DeleteClient(ctx context.Context, id string) error
}

// Config says what a [Handler] works with.
type Config struct {
	Issuer        string
	Mode          Mode
	InitialTokens [][]byte // SHA-256 of each initial access token (RFC 7591 section 3)
	Policy        client.Policy
	Clients       Clients
	Slow          client.Slow
	Now           func() time.Time
	Log           *slog.Logger
	// NoQuerySecrets refuses ?client_secret= under /connect/register.
	NoQuerySecrets bool
}

// Handler serves the registration endpoints.
type Handler struct{ c Config }

// New returns a Handler.
func New(c Config) *Handler { return &Handler{c} }

// Create serves POST /connect/register and POST /oauth2/register.
func (h *Handler) Create(w http.ResponseWriter, r *http.Request) {}

// Get serves GET /connect/register/{id} and GET /oauth2/register/{id}.
func (h *Handler) Get(w http.ResponseWriter, r *http.Request) {}

// Update serves PUT /connect/register/{id} and PUT /oauth2/register/{id}.
func (h *Handler) Update(w http.ResponseWriter, r *http.Request) {}

// Delete serves DELETE /connect/register/{id} and DELETE /oauth2/register/{id}.
func (h *Handler) Delete(w http.ResponseWriter, r *http.Request) {}
