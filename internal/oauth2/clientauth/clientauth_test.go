package clientauth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/oauth2"
)

const (
	issuer        = "https://id.example.org"
	tokenEndpoint = issuer + "/oauth2/token"
	introspection = issuer + "/oauth2/introspect"
	longSecret    = "gX2mSbq1cVtY7wJd0uLk9eRzHn4oPfAi" // 32 bytes
	shortSecret   = "open sesame"
)

// clock is the time in these tests.
func clock() time.Time { return time.Unix(1_800_000_000, 0) }

// registry is a set of clients. Like a database, it fails for an invalid key.
type registry map[string]*client.Client

func (r registry) Client(_ context.Context, id string) (*client.Client, error) {
	if strings.Contains(id, "\x00") || !utf8.ValidString(id) || len(id) > maxID {
		return nil, errLost
	}
	c, ok := r[id]
	if !ok {
		return nil, client.ErrNotFound
	}
	return c, nil
}

// lost is a database that is not there.
type lost struct{}

var errLost = errors.New("connection refused")

func (lost) Client(context.Context, string) (*client.Client, error) { return nil, errLost }

func (lost) ClaimOnce(context.Context, string, string, string, time.Time, time.Time) (bool, error) {
	return false, errLost
}

func (lost) Keys(context.Context, *client.Client, string) ([]jose.JSONWebKey, error) {
	return nil, errLost
}

// memory is an in-memory Replay.
type memory struct {
	mu    sync.Mutex
	until map[[3]string]time.Time
}

func (m *memory) ClaimOnce(_ context.Context, kind, owner, key string, until, now time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := [3]string{kind, owner, key}
	if m.until[id].After(now) {
		return false, nil
	}
	if m.until == nil {
		m.until = map[[3]string]time.Time{}
	}
	m.until[id] = until
	return true, nil
}

// embedded reads the keys in a client's jwks.
type embedded struct{}

func (embedded) Keys(_ context.Context, c *client.Client, _ string) ([]jose.JSONWebKey, error) {
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(c.JWKS, &set); err != nil {
		return nil, fmt.Errorf("%w: %w", client.ErrKeysUnavailable, err)
	}
	return set.Keys, nil
}

// counted counts the slow hashes that are verified.
type counted struct {
	client.Hasher
	verified atomic.Int64
}

func (c *counted) Verify(ctx context.Context, hash, secret string) (bool, error) {
	c.verified.Add(1)
	return c.Hasher.Verify(ctx, hash, secret)
}

func hasher() client.Hasher { return credential.NewHasher(8, 1, 4, time.Minute) }

// newAuthenticator returns one over clients, and its configuration to change.
func newAuthenticator(clients ...*client.Client) *Authenticator {
	known := registry{}
	for _, c := range clients {
		known[c.ID] = c
	}
	return New(Config{
		Clients: known, Replay: &memory{}, KeySets: embedded{}, Hasher: hasher(),
		Issuer: issuer, Endpoints: []string{tokenEndpoint, introspection}, Now: clock,
	})
}

// withSecret is a client that registered method and secret.
func withSecret(tb testing.TB, id, method, secret string) *client.Client {
	tb.Helper()
	kept, err := client.HashSecret(tb.Context(), hasher(), secret)
	if err != nil {
		tb.Fatal(err)
	}
	return &client.Client{ID: id, Secret: kept, Metadata: client.Metadata{TokenEndpointAuthMethod: method}}
}

// withKeys is a client that registered private_key_jwt and keys.
func withKeys(tb testing.TB, id string, keys ...jose.JSONWebKey) *client.Client {
	tb.Helper()
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		tb.Fatal(err)
	}
	return &client.Client{ID: id, Metadata: client.Metadata{
		TokenEndpointAuthMethod: client.AuthPrivateKeyJWT, JWKS: set,
	}}
}

func public(id string) *client.Client {
	return &client.Client{ID: id, Metadata: client.Metadata{TokenEndpointAuthMethod: client.AuthNone}}
}

// form makes a request with the form that names and values spell.
func form(pairs ...string) *http.Request {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, tokenEndpoint, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.PostForm = values
	return r
}

// basic adds the Authorization header of id and secret to r.
func basic(r *http.Request, id, secret string) *http.Request {
	r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	return r
}

// asserting is a request with a client assertion.
func asserting(assertion string, more ...string) *http.Request {
	return form(append(more, "client_assertion_type", assertionType, "client_assertion", assertion)...)
}

// refusalOf returns the refusal in err.
func refusalOf(tb testing.TB, err error) oauth2.Error {
	tb.Helper()
	refused, ok := errors.AsType[*oauth2.Error](err)
	if !ok {
		tb.Fatalf("error = %v, want a refusal", err)
	}
	return *refused
}

// The keys of these tests: two of each kind, one of them unregistered.
var (
	ecKeys  = [2]func() *ecdsa.PrivateKey{sync.OnceValue(newEC), sync.OnceValue(newEC)}
	rsaKeys = [2]func() *rsa.PrivateKey{sync.OnceValue(newRSA), sync.OnceValue(newRSA)}
	edKeys  = [2]func() ed25519.PrivateKey{sync.OnceValue(newEd), sync.OnceValue(newEd)}
)

func newEC() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

func newRSA() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

func newEd() ed25519.PrivateKey {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}
