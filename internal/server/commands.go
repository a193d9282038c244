package server

import (
	"context"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/preset"
	"github.com/ostiary/ostiary/internal/store"
)

// OperatorPolicy returns the validation rules for clients that an operator describes by the
// admin API or in a file.
func OperatorPolicy(c *config.Config) client.Policy {
	return client.Policy{DefaultScopes: c.DefaultScopes, LegacyResponseTypes: c.LegacyResponseTypes, PlainLoopback: true, Lenient: true, Profile: c.SecurityProfile, MutualTLS: mutualTLSMethods(c)}
}

// CommandPolicy is [OperatorPolicy] without its leniency, for a client that is described by
// flags: a forgotten flag is an error.
func CommandPolicy(c *config.Config) client.Policy {
	p := OperatorPolicy(c)
	p.Lenient = false
	return p
}

// NewSecretStore returns the secret store of commands. Without a system secret it cannot store
// the secrets of client_secret_jwt.
func NewSecretStore(c *config.Config, slow client.Hasher) (client.SecretStore, error) {
	secrets := client.SecretStore{Hasher: slow}
	if len(c.SystemSecrets) == 0 {
		return secrets, nil
	}
	keys, err := SystemSecrets(c)
	if err != nil {
		return secrets, err
	}
	secrets.Sealer = keys
	return secrets, nil
}

// Documents returns the fetcher of documents for commands.
func Documents(c *config.Config) client.Documents { return documents{c} }

// documents fetches documents for commands. It reads the configured CA only when a document
// is needed.
type documents struct{ config *config.Config }

// Get returns the document at a URL.
func (d documents) Get(ctx context.Context, url string) ([]byte, error) {
	fetcher, err := newFetcher(d.config)
	if err != nil {
		return nil, err
	}
	return fetcher.Get(ctx, url)
}

// NewClients returns the use cases of clients for commands.
func NewClients(c *config.Config, s *store.Store, h *credential.Hasher) (*manage.Clients, error) {
	secrets, err := NewSecretStore(c, h)
	if err != nil {
		return nil, err
	}
	return &manage.Clients{Store: s.Clients, Secrets: secrets, Documents: Documents(c), Now: time.Now}, nil
}

// NewSetupLinks returns the maker of links that create the first administrator.
func NewSetupLinks(c *config.Config, s *store.Store) *manage.SetupLinks {
	return &manage.SetupLinks{URL: c.URL(PathSetup), Accounts: s.Accounts, Links: s.SetupLinks, Now: time.Now}
}

// PresetServer returns the description of this server for the settings of applications.
func PresetServer(c *config.Config) preset.Server {
	return preset.Server{
		Name: c.Theme.ProductName, Issuer: c.Issuer,
		Authorization: c.URL(pathAuthorize), Token: c.URL(pathToken), Userinfo: c.URL(pathUserinfo), JWKS: c.URL(pathKeys),
		EndSession: c.URL(pathLogout), Introspection: c.URL(pathIntrospect), DeviceAuthorization: c.URL(pathDeviceAuth),
	}
}

// NewClientImporter returns an importer of files of clients.
func NewClientImporter(c *config.Config, s *store.Store, h *credential.Hasher) (*manage.ClientImporter, error) {
	secrets, err := NewSecretStore(c, h)
	if err != nil {
		return nil, err
	}
	return &manage.ClientImporter{
		Store: s.Clients, Policy: OperatorPolicy(c), Secrets: secrets, Documents: Documents(c), Now: time.Now,
	}, nil
}

// NewUserImporter returns an importer of files of users.
func NewUserImporter(s *store.Store, h *credential.Hasher) *manage.UserImporter {
	return &manage.UserImporter{Store: s.Accounts, Attributes: s.Attributes, Hasher: h, Now: time.Now}
}
