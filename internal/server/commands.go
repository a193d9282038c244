package server

import (
	"context"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/store"
)

// OperatorPolicy returns the rules for clients that the operator describes by the API or
// in a file.
func OperatorPolicy(c *config.Config) client.Policy {
	return client.Policy{DefaultScopes: c.DefaultScopes, LegacyResponseTypes: c.LegacyResponseTypes, PlainLoopback: true, Lenient: true}
}

// CommandPolicy is [OperatorPolicy] for a client that is described by flags, of which one
// is easily forgotten.
func CommandPolicy(c *config.Config) client.Policy {
	p := OperatorPolicy(c)
	p.Lenient = false
	return p
}

// NewSecretStore returns the secret store of commands. Without a system secret it cannot
// store the secrets that clients sign with.
func NewSecretStore(c *config.Config, slow client.Hasher) (client.SecretStore, error) {
	keeper := client.SecretStore{Hasher: slow}
	if len(c.SystemSecrets) == 0 {
		return keeper, nil
	}
	secrets, err := SystemSecrets(c)
	if err != nil {
		return keeper, err
	}
	keeper.Sealer = secrets
	return keeper, nil
}

// VerifySector requires of a client that the operator describes what registration requires:
// that its sector identifier document lists its redirect URIs. What known was verified with
// is not verified again.
func VerifySector(ctx context.Context, c *config.Config, m, known *client.Metadata) error {
	if m.SectorIdentifierURI == "" {
		return nil // without a look at the CA of a fetch that is not needed
	}
	fetcher, err := newFetcher(c)
	if err != nil {
		return err
	}
	return m.VerifySector(ctx, fetcher, known)
}

// NewClientImporter returns an importer of files of clients.
func NewClientImporter(c *config.Config, s *store.Store, h *credential.Hasher) (*manage.ClientImporter, error) {
	secrets, err := NewSecretStore(c, h)
	if err != nil {
		return nil, err
	}
	return &manage.ClientImporter{
		Store: s, Policy: OperatorPolicy(c), Secrets: secrets, Now: time.Now,
		VerifySector: func(ctx context.Context, m, known *client.Metadata) error { return VerifySector(ctx, c, m, known) },
	}, nil
}

// NewUserImporter returns an importer of files of users.
func NewUserImporter(s *store.Store, h *credential.Hasher) *manage.UserImporter {
	return &manage.UserImporter{Store: s, Hasher: h, Now: time.Now}
}
