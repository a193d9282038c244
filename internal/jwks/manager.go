package jwks

import (
	"context"
	"crypto"
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// Config says what a [Manager] works with.
type Config struct {
	Store      Store
	Secrets    *Secrets
	Algorithms []Algorithm
	Now        func() time.Time
	Log        *slog.Logger

	// CacheLifetime is how long clients may cache the key set; 1 h when zero.
	CacheLifetime time.Duration
	// RotateEvery is how long a key signs; 30 days when zero.
	RotateEvery time.Duration
	// TokenLifetime is the longest life of any token signed.
	TokenLifetime time.Duration
}

// Manager signs with the current keys, verifies with all, and keeps them rotating.
type Manager struct {
	config Config
}

var errSkeleton = errors.New("not built yet")

// New makes a manager, which is of use after [Manager.Start].
func New(c Config) (*Manager, error) { return &Manager{config: c}, nil }

// Start loads the keys and makes those of an empty store.
func (m *Manager) Start(ctx context.Context) error { return errSkeleton }

// Run keeps the keys rotating until ctx ends.
func (m *Manager) Run(ctx context.Context) error { return errSkeleton }

// Rotate makes a new key for alg, or for every algorithm when alg is empty.
func (m *Manager) Rotate(ctx context.Context, alg Algorithm) ([]Record, error) {
	return nil, errSkeleton
}

// Reseal seals every key under the first system secret.
func (m *Manager) Reseal(ctx context.Context) (int, error) { return 0, errSkeleton }

// Import takes a key made elsewhere as the next key.
func (m *Manager) Import(ctx context.Context, alg Algorithm, signer crypto.Signer) error {
	return errSkeleton
}

// Records lists the keys without their private parts.
func (m *Manager) Records(ctx context.Context) ([]Record, error) { return nil, errSkeleton }

// Sign makes a compact JWS (RFC 7515 §7.1).
func (m *Manager) Sign(ctx context.Context, alg Algorithm, typ string, payload []byte) (string, error) {
	return "", errSkeleton
}

// SignClaims is [Manager.Sign] for claims given as a value.
func (m *Manager) SignClaims(ctx context.Context, alg Algorithm, typ string, claims any) (string, error) {
	return "", errSkeleton
}

// Verify returns the payload of a token that we signed.
func (m *Manager) Verify(token string, typs ...string) (payload []byte, kid string, err error) {
	return nil, "", errSkeleton
}

// KeySet returns the published key set, its entity tag and how long it may be cached.
func (m *Manager) KeySet() (body []byte, etag string, maxAge time.Duration) { return nil, "", 0 }

// Handler serves GET /.well-known/jwks.json.
func (m *Manager) Handler() http.Handler { return http.NotFoundHandler() }

// Algorithms lists the algorithms that can sign now.
func (m *Manager) Algorithms() []Algorithm { return m.config.Algorithms }
