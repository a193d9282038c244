package token

import (
	"context"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/onetime"
	"github.com/ostiary/ostiary/internal/profile"
	"github.com/ostiary/ostiary/internal/scope"
)

// Authenticator authenticates the client of a request.
type Authenticator interface {
	Authenticate(ctx context.Context, r *http.Request) (*client.Client, error)
}

// GrantStore redeems codes and rotates refresh tokens.
type GrantStore interface {
	Codes
	RefreshRotator
}

// OneTime holds values that may be used once.
type OneTime interface {
	// ClaimAll claims values, all of them or none. It returns the error Used of a value that was used before.
	ClaimAll(ctx context.Context, now time.Time, values ...onetime.Value) error
}

// Config holds the dependencies and settings of a [Handler]. All members but Profile are required.
type Config struct {
	Authenticator Authenticator
	Scopes        scope.Source
	Engine        Engine
	Issuer        Issuer
	Codec         *tokens.Codec
	Lifetimes     *tokens.Lifetimes
	Grants        GrantStore
	Devices       Devices
	Backchannel   BackchannelRequests
	Assertions    Assertions
	Accounts      Accounts
	Hooks         Hooks
	Proofs        Proofs
	OneTime       OneTime
	Profile       profile.Profile // of the server
	IssuerURL     string
	Exchangeable  Exchangeable
	// RecordExchange writes the audit event of a token exchange.
	RecordExchange func(ctx context.Context, e *audit.Event) error
	// RefreshGracePeriod is the time in which the previous refresh token returns the current
	// token.
	RefreshGracePeriod time.Duration
	Issued             func(grantType string) // counts responses
	Used               func(clientID string)  // notes a response to a client
	Now                func() time.Time
}

// New returns a handler that serves the grant types of the table.
func New(c Config) *Handler { return &Handler{Config: c, grants: table(&c)} }

// table returns the grant types. A new one is a file that implements [Grant] and a line here.
func table(c *Config) []Grant {
	jwtBearer := JWTBearer{Assertions: c.Assertions, Accounts: c.Accounts, Issuer: c.Issuer}
	return []Grant{
		&AuthorizationCode{Engine: c.Engine, Codec: c.Codec, Grants: c.Grants},
		&RefreshToken{Codec: c.Codec, Grants: c.Grants, Lifetimes: c.Lifetimes, GracePeriod: c.RefreshGracePeriod, Issuer: c.Issuer},
		&ClientCredentials{Engine: c.Engine},
		&jwtBearer,
		&DeviceCode{Codec: c.Codec, Devices: c.Devices, Grants: c.Grants, Issuer: c.Issuer},
		&CIBA{Codec: c.Codec, Requests: c.Backchannel, Grants: c.Grants, Issuer: c.Issuer},
		&ExchangeGrant{JWTBearer: jwtBearer, URL: c.IssuerURL, Tokens: c.Exchangeable, Codec: c.Codec, Grants: c.Grants, Record: c.RecordExchange},
	}
}
