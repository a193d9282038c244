package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/store/db"
)

// ImportClients creates and updates clients, all or none, and returns the number of
// each. An existing client keeps its grants, and its secret unless the entry has one.
// An entry without a change writes nothing.
func (s *Clients) ImportClients(ctx context.Context, clients []*client.Client) (created, updated int, err error) {
	err = s.replication.changeWithin(ctx, db.ImportTimeout, func(on db.Conn) (changed bool, err error) {
		created, updated = 0, 0
		for i, c := range clients {
			did, err := importClient(ctx, on, c)
			if err != nil {
				return false, fmt.Errorf("import client %d (%s): %w", i+1, c.ID, err)
			}
			created += did.created
			updated += did.updated
		}
		return updated > 0, nil // no replica has cached that a client does not exist
	})
	if err != nil {
		return 0, 0, err
	}
	return created, updated, nil
}

// importResult counts the changes of an import.
type importResult struct {
	created, updated int
	revokesGrants    bool // the sessions and grants of an account end: its password is new, or it is disabled
	disables         bool // an account is disabled or enabled
}

func importClient(ctx context.Context, on db.Conn, c *client.Client) (importResult, error) {
	known, err := readClient(ctx, on, c.ID)
	if errors.Is(err, client.ErrNotFound) {
		return importResult{created: 1}, insertClient(ctx, on, c)
	}
	if err != nil {
		return importResult{}, err
	}
	imported := *known
	imported.Metadata = c.Metadata
	imported.MarkOperatorScope(&known.Metadata)
	c.OperatorScope = imported.OperatorScope
	before, err := document(known.Metadata)
	if err != nil {
		return importResult{}, err
	}
	after, err := document(c.Metadata)
	if err != nil {
		return importResult{}, fmt.Errorf("write client metadata: %w", err)
	}
	if before == after && (c.Secret == "" || c.Secret == known.Secret) {
		*c = *known
		return importResult{}, nil
	}
	known.Metadata, known.UpdatedAt = c.Metadata, c.UpdatedAt
	// Clients of versions that did not complete the method have an empty one.
	secretless := c.TokenEndpointAuthMethod != "" && !c.UsesSecret()
	if c.Secret != "" && c.Secret != known.Secret || secretless && known.Secret != "" {
		if known.Secret != "" {
			known.EndRegistrationTokens()
		}
		known.Secret, known.SecretCreatedAt, known.RotatedSecrets = c.Secret, c.UpdatedAt, nil
	}
	*c = *known
	return importResult{updated: 1}, updateClient(ctx, on, c)
}
