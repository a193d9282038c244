package server

import (
	"context"

	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/keyring"
	"github.com/ostiary/ostiary/internal/middleware"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
)

// What the tests of this package read beside its API.
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

func (a *Server) NewSealer(ctx context.Context) (*tokens.Sealer, error) { return a.newSealer(ctx) }

// Admissions returns the admission of each kind of work.
func (a *Server) Admissions() map[string]*middleware.Admission {
	r := &a.admission
	return map[string]*middleware.Admission{
		"tokens": r.tokens, "checks": r.checks, "pages": r.pages, "passwords": r.passwords, "registration": r.registration,
		"apps": r.apps, "large bodies": r.largeJSON, "large bodies of pages": r.largePages,
	}
}

func (a *Server) PublicBodies() *middleware.Bodies { return a.admission.publicBodies }

func (a *Server) PublicConnections() *middleware.Connections { return a.admission.publicConnections }

// RateLimited returns how many requests a rate limit has rejected.
func (a *Server) RateLimited(limit string) uint64 { return a.limited[limit].Load() }

// PendingRefused returns how many pending requests were rejected, for one network and for all.
func (a *Server) PendingRefused() (network, all uint64) {
	return a.pending.stock.RefusedNetwork(), a.pending.stock.RefusedAll()
}

// SecretHashers returns the hashers of client secrets: at the public listener and at the admin API.
func (a *Server) SecretHashers() (public, admin *credential.Hasher) {
	return a.clientHasher, a.adminHasher
}
