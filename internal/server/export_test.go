package server

import (
	"context"

	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/keyring"
	"github.com/ostiary/ostiary/internal/middleware"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
)

// Unexported constants for the tests in package server_test.
const (
	RequestLifetime      = requestLifetime
	CertificateStaleness = certificateStaleness
	LimitAuthorizations  = limitAuthorizations
)

var (
	LoadCertificate = loadCertificate
	ListenUnix      = listenUnix
)

func TokenKeys(secrets *keyring.Keyring, label string) []tokens.Key { return tokenKeys(secrets, label) }

func (s *Server) NewSealer(ctx context.Context) (*tokens.Sealer, error) {
	return newAccessTokenSealer(ctx, s)
}

// Admissions returns the admission of each kind of work.
func (s *Server) Admissions() map[string]*middleware.Admission {
	r := &s.admission
	return map[string]*middleware.Admission{
		"tokens": r.tokens, "checks": r.checks, "pages": r.pages, "passwords": r.passwords, "registration": r.registration,
		"apps": r.apps, "large bodies": r.largeJSON, "large bodies of pages": r.largePages,
	}
}

func (s *Server) PublicBodies() *middleware.SlowBodies { return s.admission.publicBodies }

func (s *Server) PublicConnections() *middleware.Connections { return s.admission.publicConnections }

// RateLimited returns how many requests a rate limit has rejected.
func (s *Server) RateLimited(limit string) uint64 { return s.rateLimited[limit].Load() }

// PendingRefused returns how many pending requests were rejected, for one network and for all.
func (s *Server) PendingRefused() (network, all uint64) {
	return s.pending.quota.RefusedByNetwork(), s.pending.quota.RefusedInTotal()
}

// SecretHashers returns the hashers of client secrets: at the public listener and at the admin API.
func (s *Server) SecretHashers() (public, admin *credential.Hasher) {
	return s.clientHasher, s.adminHasher
}
