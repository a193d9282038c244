package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/store"
)

// importClients adds and changes the clients of a JSON array, all or none. Done
// twice, it changes nothing the second time.
func importClients(
	ctx context.Context, c *config.Config, s *store.Store, h *account.Hasher, text []byte,
) (created, updated int, err error) {
	entries, err := client.ParseImport(text, operatorPolicy(c))
	if err != nil {
		return 0, 0, err //nolint:wrapcheck // names every entry at fault
	}
	at := now()
	clients := make([]*client.Client, len(entries))
	for i, e := range entries {
		secret, err := importedSecret(ctx, s, h, e)
		if err != nil {
			return 0, 0, fmt.Errorf("entry %d: %w", i+1, err)
		}
		clients[i] = &client.Client{ID: e.ClientID, Metadata: e.Metadata, Secret: secret, CreatedAt: at, UpdatedAt: at}
	}
	return s.ImportClients(ctx, clients) //nolint:wrapcheck // names itself
}

// importedSecret returns what to keep of an entry's secret: what is kept already,
// if it is the same secret.
func importedSecret(ctx context.Context, s *store.Store, h *account.Hasher, e client.Entry) (client.Secret, error) {
	if e.ClientSecret == "" {
		return "", nil
	}
	known, err := s.Client(ctx, e.ClientID)
	if err != nil && !errors.Is(err, client.ErrNotFound) {
		return "", err //nolint:wrapcheck // names itself
	}
	if err == nil {
		same, err := known.Secret.Verify(ctx, h, e.ClientSecret)
		if err != nil {
			return "", err //nolint:wrapcheck // names itself
		}
		if same {
			return known.Secret, nil
		}
	}
	return client.HashSecret(ctx, h, e.ClientSecret) //nolint:wrapcheck // names itself
}
