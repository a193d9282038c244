package resource

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ostiary/ostiary/internal/cache"
	"github.com/ostiary/ostiary/internal/jws"
	"github.com/ostiary/ostiary/internal/refusal"
)

// IntrospectionConfig configures an [Introspection]. Issuer and Authentication are required.
type IntrospectionConfig struct {
	// Issuer is the issuer identifier of the authorization server, exactly as in its metadata.
	Issuer string
	// Endpoint is the URL of the introspection endpoint. The default is introspection_endpoint of the
	// metadata of the issuer.
	Endpoint string
	// Authentication authenticates this service as a client: [ClientSecret], [PrivateKeyJWT] or a function
	// of the service. With mutual TLS it adds client_id to the form, and HTTPClient has the certificate.
	Authentication Authentication
	// CacheFor is how long a response is used, and how long a revocation goes unnoticed. The default is
	// 5 s; a negative value switches the cache off.
	CacheFor time.Duration
	// CacheSize is the maximum number of cached responses. The default is 1,000.
	CacheSize int
	// HTTPClient calls the issuer. The default has a timeout of 10 s and follows no redirects.
	HTTPClient *http.Client
	// Now returns the time. The default is [time.Now].
	Now func() time.Time
}

// Introspection is a [Lookup] that asks the issuer: for opaque tokens, and to notice revoked ones.
// Concurrent requests with one token share a call.
//
// Spec: RFC 7662.
type Introspection struct {
	documents    *issuerDocuments
	authenticate Authentication
	endpoint     atomic.Pointer[string] // nil until the metadata is read
	answers      *cache.Cache[string, answer]
	now          func() time.Time
}

// answer is an introspection response: token is nil for an inactive one.
type answer struct {
	token *Token
	err   error
}

// NewIntrospection returns a lookup that asks the issuer.
func NewIntrospection(c IntrospectionConfig) (*Introspection, error) {
	documents, err := newIssuerDocuments(c.Issuer, c.HTTPClient)
	if err != nil {
		return nil, err
	}
	if c.Authentication == nil {
		return nil, errors.New("invalid configuration: Authentication is not set")
	}
	const defaultTTL, defaultSize = 5 * time.Second, 1000
	i := &Introspection{documents: documents, authenticate: c.Authentication, now: c.Now}
	if i.now == nil {
		i.now = time.Now //nolint:forbidigo // the default of the injected clock
	}
	if c.Endpoint != "" {
		i.endpoint.Store(&c.Endpoint)
	}
	if c.CacheFor == 0 {
		c.CacheFor = defaultTTL
	}
	if c.CacheSize <= 0 {
		c.CacheSize = defaultSize
	}
	i.answers = cache.New(cache.Config[string, answer]{
		Size: c.CacheSize, TTL: c.CacheFor, Now: i.now, Read: i.ask,
		Store: func(answer) bool { return c.CacheFor > 0 },
		Valid: func(a answer, now time.Time) bool {
			return a.token == nil || a.token.Expiry.IsZero() || now.Before(a.token.Expiry)
		},
	})
	return i, nil
}

// Lookup implements [Lookup].
func (i *Introspection) Lookup(ctx context.Context, token string) (*Token, error) {
	if len(token) > jws.MaxLength {
		return nil, inactive(refusal.TokenMalformed, "the token is too long")
	}
	got, err := i.answers.Get(ctx, token)
	if err != nil {
		return nil, err
	}
	if got.token == nil {
		return nil, got.err
	}
	copied := *got.token // requests share the token
	return &copied, nil
}

// ask asks the issuer.
//
// Spec: RFC 7662 §2.1.
func (i *Introspection) ask(ctx context.Context, token string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	endpoint, err := i.url(ctx)
	if err != nil {
		return answer{}, err
	}
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	if err := i.authenticate(ctx, header, form); err != nil {
		return answer{}, fmt.Errorf("authenticate at the introspection endpoint: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, fmt.Errorf("introspect: %w", err)
	}
	r.Header = header
	body, err := i.documents.do(r)
	if err != nil {
		return answer{}, fmt.Errorf("introspect: %w", err)
	}
	members, ok := jws.ParseObject(body)
	if _, isBool := members["active"].(bool); !ok || !isBool {
		return answer{}, errors.New("introspect: the response is not an introspection response")
	}
	found, err := i.check(members)
	return answer{found, err}, nil
}

// check returns the token of a response.
//
// Spec: RFC 7662 §2.2.
func (i *Introspection) check(members jws.Object) (*Token, error) {
	if members["active"] != true {
		return nil, inactive(refusal.TokenInactive, "the issuer does not know the token as active")
	}
	t, err := tokenOf(members)
	use := members.Text("token_use")
	switch {
	case err != nil:
		return nil, inactive(refusal.TokenMalformed, "the introspection response cannot be read")
	case use != "" && use != "access_token":
		return nil, inactive(refusal.TokenMalformed, "the token is not an access token")
	case t.Issuer != "" && t.Issuer != i.documents.issuer:
		return nil, inactive(refusal.TokenSignature, "the token is of another issuer")
	case !t.Expiry.IsZero() && !i.now().Before(t.Expiry):
		return nil, inactive(refusal.TokenExpired, "the token has expired", refusal.At("expired_at", t.Expiry))
	}
	return t, nil
}

// url returns the URL of the introspection endpoint.
func (i *Introspection) url(ctx context.Context) (string, error) {
	if known := i.endpoint.Load(); known != nil {
		return *known, nil
	}
	metadata, err := i.documents.metadata(ctx)
	if err != nil {
		return "", err
	}
	found := metadata.Text("introspection_endpoint")
	if found == "" {
		return "", fmt.Errorf("the metadata of %s has no introspection_endpoint", i.documents.issuer)
	}
	i.endpoint.Store(&found)
	return found, nil
}
