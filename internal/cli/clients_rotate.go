package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/server"
)

// clientsRotateSecret replaces a client secret without an interruption.
type clientsRotateSecret struct {
	answer

	ID                string `arg:"" help:"The client_id."`
	OldSecretLifetime string `help:"How long the old secret stays valid, as in 24h or 0s; by default rotated_secret_lifetime." placeholder:"DURATION"`
}

// Run rotates the client secret.
func (cmd *clientsRotateSecret) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.atDesk(ctx, s, func(d *desk) error {
		lifetime, err := cmd.lifetime(d.config)
		if err != nil {
			return err
		}
		known, err := d.client(ctx, cmd.ID)
		if err != nil {
			return err
		}
		if !known.UsesSecret() {
			return fmt.Errorf("%s authenticates with %s and has no secret", cmd.ID, known.TokenEndpointAuthMethod)
		}
		keeper, err := server.NewSecretStore(d.config, server.NewHasher(d.config))
		if err != nil {
			return err
		}
		when := now()
		secret, err := keeper.Rotate(ctx, known, when, when.Add(lifetime))
		if err != nil {
			return err
		}
		known.UpdatedAt = when
		if err := d.store.Clients.UpdateClient(ctx, known); err != nil {
			return fmt.Errorf("update %s: %w", cmd.ID, err)
		}
		return d.showClient(cmd.answer, known, secret)
	})
}

// lifetime is how long the old secret stays valid.
func (cmd *clientsRotateSecret) lifetime(c *config.Config) (time.Duration, error) {
	if cmd.OldSecretLifetime == "" {
		return c.RotatedSecretLifetime, nil
	}
	lifetime, err := config.ParseDuration(cmd.OldSecretLifetime)
	if err != nil || lifetime < 0 || lifetime > 365*24*time.Hour {
		return 0, fmt.Errorf("--old-secret-lifetime %q must be a duration from 0s to 365d", cmd.OldSecretLifetime)
	}
	return lifetime, nil
}
