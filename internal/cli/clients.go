package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/server"
)

// clientsCommand manages clients.
type clientsCommand struct {
	Create       clientsCreate       `cmd:"" help:"Register a client."`
	Get          clientsGet          `cmd:"" help:"Show a client."`
	List         clientsList         `cmd:"" help:"List clients."`
	Update       clientsUpdate       `cmd:"" help:"Update a client; omitted flags keep their values, an empty value clears."`
	RotateSecret clientsRotateSecret `cmd:"" help:"Generate a new client secret; the old one stays valid for a limited time."`
	Secrets      clientsSecrets      `cmd:"" help:"List the secrets of a client: when each was created and last used."`
	AddSecret    clientsAddSecret    `cmd:"" help:"Add a generated secret to a client; the others stay valid until they are removed."`
	RemoveSecret clientsRemoveSecret `cmd:"" help:"Remove a secret of a client."`
	Usage        clientsUsage        `cmd:"" help:"List clients by name, with their last use and the rejected requests of the last week."`
	Check        clientsCheck        `cmd:"" help:"List what the registration of a client lacks for each security profile."`
	Delete       clientsDelete       `cmd:"" help:"Delete a client; all of its tokens become invalid."`
	Import       clientsImport       `cmd:"" help:"Create or update the clients in a file; all or none."`
}

type clientsCreate struct {
	outputFlags

	ID string `help:"The client_id; random by default." placeholder:"ID"`
	presetFlags
	clientFlags
	secretFlags
}

type clientsGet struct {
	outputFlags

	ID string `arg:"" help:"The client_id."`
}

type clientsList struct {
	outputFlags
}

type clientsUpdate struct {
	outputFlags
	clientFlags
	secretFlags

	ID        string `arg:"" help:"The client_id."`
	NewSecret bool   `help:"Generate a new secret; the old one becomes invalid immediately. See also clients rotate-secret." xor:"secret"`
}

type clientsDelete struct {
	confirmFlag

	ID string `arg:"" help:"The client_id."`
}

// Run registers a client.
func (cmd *clientsCreate) Run(ctx context.Context, s Streams, c *commandLine) error {
	if cmd.Preset != "" {
		return cmd.createFromPreset(ctx, s, c)
	}
	if err := cmd.unused(); err != nil {
		return err
	}
	return c.withDatabase(ctx, s, func(d *database) error {
		id, err := manage.ClientID(cmd.ID)
		if err != nil {
			return err
		}
		created := &client.Client{ID: id}
		if err := cmd.apply(&created.Metadata, server.CommandPolicy(d.config)); err != nil {
			return err
		}
		secret, err := cmd.read(d, created, false)
		if err != nil {
			return err
		}
		clients, err := server.NewClients(d.config, d.store, server.NewHasher(d.config))
		if err != nil {
			return err
		}
		d.setTarget(id)
		generated, err := clients.Create(ctx, created, secret, nil)
		if err != nil {
			return fmt.Errorf("create %s: %w", id, err)
		}
		return printClient(d, cmd.outputFlags, created, generated)
	})
}

// Run shows a client.
func (cmd *clientsGet) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		known, err := findClient(ctx, d, cmd.ID)
		if err != nil {
			return err
		}
		return printClient(d, cmd.outputFlags, known, "")
	})
}

// Run lists the clients.
func (cmd *clientsList) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		all, err := allPages(func(after string) ([]*client.Client, error) {
			return d.store.Clients.ListClients(ctx, after, pageSize)
		}, func(c *client.Client) string { return c.ID })
		if err != nil {
			return err
		}
		views := make([]clientView, len(all))
		for i, known := range all {
			views[i] = viewClient(known, "")
		}
		return printList(s.Out, cmd.outputFlags, clientColumns(), views)
	})
}

// Run changes a client.
func (cmd *clientsUpdate) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		clients, err := server.NewClients(d.config, d.store, server.NewHasher(d.config))
		if err != nil {
			return err
		}
		var generated string
		changed, err := clients.Update(ctx, cmd.ID, func(known *client.Client) error {
			metadata := known.Metadata
			if err := cmd.apply(&metadata, server.OperatorPolicy(d.config)); err != nil {
				return err
			}
			if err := clients.SetMetadata(ctx, known, metadata); err != nil {
				return err
			}
			secret, err := cmd.read(d, known, cmd.NewSecret)
			if err != nil {
				return err
			}
			generated, err = clients.SetSecret(ctx, known, secret, cmd.NewSecret)
			return err
		}, nil)
		if err != nil {
			return updateFailed(cmd.ID, err)
		}
		return printClient(d, cmd.outputFlags, changed, generated)
	})
}

// Run deletes a client.
func (cmd *clientsDelete) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		known, err := findClient(ctx, d, cmd.ID)
		if err != nil {
			return err
		}
		question := fmt.Sprintf("Delete the client %s (%s) and all of its tokens?", known.ID, sanitize(known.Name()))
		if err := cmd.confirm(ctx, s, question); err != nil {
			return err
		}
		if err := d.store.Clients.DeleteClient(ctx, cmd.ID); err != nil {
			return fmt.Errorf("delete %s: %w", cmd.ID, err)
		}
		return s.printf("deleted %s", cmd.ID)
	})
}

// updateFailed adds the client to the error of an update.
func updateFailed(id string, err error) error {
	if errors.Is(err, client.ErrNotFound) {
		return clientNotFound(id)
	}
	return fmt.Errorf("update %s: %w", id, err)
}

func clientNotFound(id string) error { return fmt.Errorf("client %q not found", id) }

// findClient returns the client with an ID, or an error that names the ID.
func findClient(ctx context.Context, d *database, id string) (*client.Client, error) {
	known, err := d.store.Clients.Client(ctx, id)
	if errors.Is(err, client.ErrNotFound) {
		return nil, clientNotFound(id)
	}
	return known, err
}
