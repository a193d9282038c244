// Package clientauth authenticates clients at the token, revocation and introspection
// endpoints: client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt,
// tls_client_auth, self_signed_tls_client_auth, none.
//
// It is the only package that reads client credentials from requests. Invalid credentials
// result in an [oauth2.Error]. Every other error is a failure of the server, and must not be
// reported to the client as invalid credentials.
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
	"github.com/ostiary/ostiary/internal/clientcert"
	"github.com/ostiary/ostiary/internal/onetime"
	"github.com/ostiary/ostiary/internal/profile"
	"github.com/ostiary/ostiary/internal/refusal"
)

// Clients finds clients.
type Clients interface {
	// Client returns [client.ErrNotFound] for a client that is not registered.
	Client(ctx context.Context, id string) (*client.Client, error)
}

// KeySets returns the public keys of clients.
type KeySets interface {
	// Keys returns the keys of c, from its jwks or its jwks_uri. If kid is not empty and not
	// cached, it may fetch the keys again.
	Keys(ctx context.Context, c *client.Client, kid string) ([]jose.JSONWebKey, error)
}

// Renewals replaces the legacy hashes of client secrets.
type Renewals interface {
	// ReplaceClientSecret does nothing if the stored hash is not old.
	ReplaceClientSecret(ctx context.Context, id string, old, replaced client.Secret) error
}

// Config configures an [Authenticator]. Every field but Throttle, Renewals, IssuerAudience,
// Anchors and Profile is required.
type Config struct {
	Clients Clients
	Replay  onetime.Claimer
	KeySets KeySets
	// Hasher verifies short secrets. For an empty hash it must take as long as for a real one,
	// and return false.
	Hasher client.Hasher
	// Sealer opens sealed client secrets.
	Sealer client.Sealer
	// Throttle counts attempts at short secrets; nil disables the limit.
	Throttle client.Throttle
	// Renewals stores new hashes of secrets; nil keeps legacy hashes.
	Renewals Renewals
	// Issuer is the expected audience of assertions. Endpoints are the URLs of the endpoints
	// that authenticate clients, which many libraries use instead.
	Issuer    string
	Endpoints []string
	// IssuerAudience accepts the issuer as the only audience (RFC 10070).
	IssuerAudience bool
	// Anchors are the authorities whose certificates authenticate clients; nil for none.
	Anchors *clientcert.Anchors
	// Profile is the security profile of the server.
	Profile profile.Profile
	// Used notes that a client has authenticated with a secret; it may be nil.
	Used func(clientID string, s client.Secret)
	Now  func() time.Time
}

// Authenticator authenticates the client of a request.
type Authenticator struct {
	cfg   Config
	decoy client.Secret // for unknown clients: the secret of an unknown client is compared

	accepted *acceptedSecrets
	renewing sync.Map // the ids of clients whose secret is being hashed again
}

// New returns an authenticator.
func New(c Config) *Authenticator {
	// A long secret is not hashed slowly, so this cannot fail.
	decoy, _ := client.HashSecret(context.Background(), c.Hasher, client.NewSecret())
	return &Authenticator{cfg: c, decoy: decoy, accepted: newAcceptedSecrets()}
}

// Authenticate returns the client that r authenticates as, with its registered method. It
// returns an [*oauth2.Error], or another error for a failure of the server.
//
// The form of r must be parsed and checked before: valid UTF-8 without NUL, no repeated and no
// empty parameters. A public client needs only its client_id; the endpoint decides whether
// that is enough.
//
// Spec: RFC 6749 §2.3, §3.2.1, OpenID Connect Core §9, RFC 7521 §4.2.
func (a *Authenticator) Authenticate(ctx context.Context, r *http.Request) (*client.Client, error) {
	cred, err := read(r)
	if err != nil {
		return nil, err
	}
	c, err := a.by(ctx, r, cred)
	if err != nil {
		return nil, err
	}
	return c, a.checkProfile(c)
}

// by authenticates with the method of the credentials of r.
func (a *Authenticator) by(ctx context.Context, r *http.Request, cred credentials) (*client.Client, error) {
	switch cred.method {
	case client.AuthPrivateKeyJWT:
		return a.byAssertion(ctx, cred)
	case client.AuthNone:
		return a.byName(ctx, cred, r)
	default:
		return a.bySecret(ctx, cred)
	}
}

func (a *Authenticator) used(c *client.Client, s client.Secret) {
	if a.cfg.Used != nil {
		a.cfg.Used(c.ID, s)
	}
}

// byName accepts a public client by its client_id, and a client that authenticates with the
// certificate of the connection, whose requests have the client_id too (RFC 8705 §2).
func (a *Authenticator) byName(ctx context.Context, cred credentials, r *http.Request) (*client.Client, error) {
	c, err := a.lookup(ctx, cred.id)
	if err != nil {
		return nil, err
	}
	switch registered(c) {
	case client.AuthTLS, client.AuthSelfSignedTLS:
		if err := a.checkCertificate(ctx, c, r); err != nil {
			return nil, err
		}
	case client.AuthNone:
	default:
		return nil, failed("the client must authenticate and sent its client_id only", refusal.AuthMethodMismatch, methods(c, client.AuthNone)...)
	}
	return c, nil
}

// lookup returns the client if it exists and is enabled.
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

// methods returns the used and the registered method, for the log.
func methods(c *client.Client, used string) []refusal.Attr {
	return []refusal.Attr{refusal.Registered("registered_auth_method", registered(c)), refusal.Registered("used_auth_method", used)}
}

// registered returns the method that c registered.
func registered(c *client.Client) string {
	if c.TokenEndpointAuthMethod == "" {
		return client.AuthBasic // RFC 7591 §2
	}
	return c.TokenEndpointAuthMethod
}
