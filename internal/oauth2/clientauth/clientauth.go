// Package clientauth authenticates clients at the token, revocation and
// introspection endpoints: client_secret_basic, client_secret_post,
// client_secret_jwt, private_key_jwt and none.
//
// It alone knows how a request carries a client's credentials. Whatever is wrong
// with them ends in an [oauth2.Error]; every other error is a failure of the server, and must
// never be told to a client as a verdict on its credentials.
package clientauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/refusal"
)

// Clients is how the room looks up clients.
type Clients interface {
	// Client returns [client.ErrNotFound] for a client that is not registered.
	Client(ctx context.Context, id string) (*client.Client, error)
}

// Replay spends one-time values.
type Replay interface {
	// ClaimOnce reports whether the caller is the first to bring key. Of any
	// number of concurrent callers, on any replica, one is.
	ClaimOnce(ctx context.Context, kind, owner, key string, until, now time.Time) (bool, error)
}

// KeySets gives the public keys of clients.
type KeySets interface {
	// Keys returns the keys of c, from its jwks or its jwks_uri. When kid is not
	// empty and not among those at hand, it may fetch them again.
	Keys(ctx context.Context, c *client.Client, kid string) ([]jose.JSONWebKey, error)
}

// Renewals is where a secret is kept anew whose hash another server made.
type Renewals interface {
	// ReplaceClientSecret does nothing if what is kept is not old any more.
	ReplaceClientSecret(ctx context.Context, id string, old, replaced client.Secret) error
}

// Config is what an [Authenticator] needs. Every field but Guesses, Renewals and
// IssuerAudience is required.
type Config struct {
	Clients Clients
	Replay  Replay
	KeySets KeySets
	// Slow verifies short secrets. Against an empty hash it must take as long as
	// against a real one, and answer false.
	Slow client.Hasher
	// Vault opens the secrets of clients that sign with theirs.
	Vault client.Sealer
	// Guesses bounds the tries at short secrets; nil sets no bound.
	Guesses client.Throttle
	// Renewals takes secrets in our own form; nil leaves all as they are.
	Renewals Renewals
	// Issuer is the audience that an assertion should have. Endpoints are the URLs at
	// which clients authenticate; many libraries send one of those.
	Issuer    string
	Endpoints []string
	// IssuerAudience accepts the issuer as the only audience (RFC 10070).
	IssuerAudience bool
	Now            func() time.Time
}

// Authenticator tells which client a request comes from.
type Authenticator struct {
	cfg   Config
	decoy client.Secret // of nobody: an unknown client's secret is compared with it

	shown    *shown
	renewing sync.Map // the ids of clients whose secret is being kept anew
}

// New returns an authenticator.
func New(c Config) *Authenticator {
	// A secret as long as this one is not hashed slowly, so nothing can fail.
	decoy, _ := client.HashSecret(context.Background(), c.Slow, client.NewSecret())
	return &Authenticator{cfg: c, decoy: decoy, shown: newShown()}
}

// Authenticate returns the client that r authenticates as, by the one method it
// registered. Its error is an [*oauth2.Error] or a failure of the server.
//
// The form of r has been parsed and checked before: valid UTF-8 without NUL, no
// parameter twice, empty ones dropped. Public clients pass with their client_id
// alone; whether that is enough is for the endpoint to say.
//
// Spec: RFC 6749 §2.3, §3.2.1; OpenID Connect Core §9; RFC 7521 §4.2.
func (a *Authenticator) Authenticate(ctx context.Context, r *http.Request) (*client.Client, error) {
	cred, err := read(r)
	if err != nil {
		return nil, err
	}
	switch cred.method {
	case client.AuthPrivateKeyJWT:
		return a.byAssertion(ctx, cred)
	case client.AuthNone:
		return a.byName(ctx, cred)
	default:
		return a.bySecret(ctx, cred)
	}
}

// byName takes a public client at its word.
func (a *Authenticator) byName(ctx context.Context, cred credentials) (*client.Client, error) {
	c, err := a.lookup(ctx, cred.id)
	if err != nil {
		return nil, err
	}
	if !c.IsPublic() {
		return nil, failed("the client must authenticate and sent its client_id only", refusal.AuthMethodMismatch, methods(c, client.AuthNone)...)
	}
	return c, nil
}

// lookup returns the client if it may act at all.
func (a *Authenticator) lookup(ctx context.Context, id string) (*client.Client, error) {
	c, err := a.cfg.Clients.Client(ctx, id)
	switch {
	case errors.Is(err, client.ErrNotFound):
		return nil, failed("the client is not registered", refusal.ClientUnknown)
	case err != nil:
		return nil, fmt.Errorf("look up client: %w", err)
	}
	refusal.SetClient(ctx, c.ID)
	if c.Disabled {
		return nil, failed("the client is disabled", refusal.ClientDisabled)
	}
	return c, nil
}

// methods explains that c registered another method than it used.
func methods(c *client.Client, used string) []refusal.Attr {
	return []refusal.Attr{refusal.Registered("registered_auth_method", registered(c)), refusal.Registered("used_auth_method", used)}
}

// registered is the method that c registered.
func registered(c *client.Client) string {
	if c.TokenEndpointAuthMethod == "" {
		return client.AuthBasic // RFC 7591 §2
	}
	return c.TokenEndpointAuthMethod
}
