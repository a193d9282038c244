package oidc

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/jwks"
)

// Tokens tells what stands behind an access token: [grant.ErrNotFound] for one
// that is not active.
type Tokens interface {
	Active(ctx context.Context, token string) (*grant.Held, error)
}

// Clients finds clients, from a cache.
type Clients interface {
	Client(ctx context.Context, id string) (*client.Client, error)
}

// Signer signs userinfo answers.
type Signer interface {
	SignClaims(ctx context.Context, alg jwks.Algorithm, typ string, claims any) (string, error)
}

// Userinfo serves the userinfo endpoint.
type Userinfo struct {
	Issuer  string
	Tokens  Tokens
	Clients Clients
	Signer  Signer
	Now     func() time.Time
	Log     *slog.Logger
}

// ServeHTTP serves GET and POST /userinfo.
func (u *Userinfo) ServeHTTP(w http.ResponseWriter, r *http.Request) {}
