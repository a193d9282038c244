package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/server"
)

// clientsRotateSecret replaces a client secret while the old one stays valid for a time.
type clientsRotateSecret struct {
	outputFlags

	ID                string `arg:"" help:"The client_id."`
	OldSecretLifetime string `help:"How long the old secret stays valid, as in 24h or 0s; by default rotated_secret_lifetime." placeholder:"DURATION"`
}

// Run rotates the client secret.
func (cmd *clientsRotateSecret) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		lifetime, err := cmd.lifetime(d.config)
		if err != nil {
			return err
		}
		clients, err := server.NewClients(d.config, d.store, server.NewHasher(d.config))
		if err != nil {
			return err
		}
		var secret string
		changed, err := clients.Update(ctx, cmd.ID, func(known *client.Client) (err error) {
			secret, err = clients.RotateSecret(ctx, known, lifetime)
			return err
		}, nil)
		if err != nil {
			return updateFailed(cmd.ID, err)
		}
		return printClient(d, cmd.outputFlags, changed, secret)
	})
}

// lifetime returns how long the old secret stays valid.
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
