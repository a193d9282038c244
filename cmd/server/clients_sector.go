package main

import (
	"context"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/config"
)

// verifySector demands of a client that the operator describes what registration
// demands: that its sector vouches for it. What known was verified with stands.
func verifySector(ctx context.Context, c *config.Config, m, known *client.Metadata) error {
	if m.SectorIdentifierURI == "" {
		return nil // without a look at the CA of a fetch that is not needed
	}
	fetcher, err := newFetcher(c)
	if err != nil {
		return err
	}
	return m.VerifySector(ctx, fetcher, known)
}
