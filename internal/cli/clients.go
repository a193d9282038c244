package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/server"
)

// clientsCommand manages clients.
type clientsCommand struct {
	Create       clientsCreate       `cmd:"" help:"Register a client."`
	Get          clientsGet          `cmd:"" help:"Show a client."`
	List         clientsList         `cmd:"" help:"List clients."`
	Update       clientsUpdate       `cmd:"" help:"Update a client; omitted flags keep their values, an empty value clears."`
	RotateSecret clientsRotateSecret `cmd:"" help:"Generate a new client secret; the old one stays valid for a limited time."`
	Delete       clientsDelete       `cmd:"" help:"Delete a client; all of its tokens become invalid."`
	Import       clientsImport       `cmd:"" help:"Create or update the clients in a file; all or none."`
}

type clientsCreate struct {
	answer

	ID string `help:"The client_id; random by default." placeholder:"ID"`
	clientFlags
	secretFlags
}

type clientsGet struct {
	answer

	ID string `arg:"" help:"The client_id."`
}

type clientsList struct {
	answer
}

type clientsUpdate struct {
	answer
	clientFlags
	secretFlags

	ID        string `arg:"" help:"The client_id."`
	NewSecret bool   `help:"Generate a new secret; the old one becomes invalid immediately. See also clients rotate-secret." xor:"secret"`
}

type clientsDelete struct {
	certainty

	ID string `arg:"" help:"The client_id."`
}

// Run registers a client.
func (cmd *clientsCreate) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.atDesk(ctx, s, func(d *desk) error {
		when := now()
		made := &client.Client{ID: cmd.ID, CreatedAt: when, UpdatedAt: when}
		if made.ID == "" {
			made.ID = client.NewID()
		}
		if err := client.CheckID(made.ID); err != nil {
			return err
		}
		if err := cmd.apply(&made.Metadata, server.CommandPolicy(d.config)); err != nil {
			return err
		}
		if err := server.VerifySector(ctx, d.config, &made.Metadata, nil); err != nil {
			return err
		}
		secret, err := cmd.set(ctx, d, made, false)
		if err != nil {
			return err
		}
		d.about(made.ID)
		if err := d.store.Clients.InsertClient(ctx, made); err != nil {
			return fmt.Errorf("create %s: %w", made.ID, err)
		}
		return d.showClient(cmd.answer, made, secret)
	})
}

// Run shows a client.
func (cmd *clientsGet) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.atDesk(ctx, s, func(d *desk) error {
		known, err := d.client(ctx, cmd.ID)
		if err != nil {
			return err
		}
		return d.showClient(cmd.answer, known, "")
	})
}

// Run lists the clients.
func (cmd *clientsList) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.atDesk(ctx, s, func(d *desk) error {
		all, err := every(func(after string) ([]*client.Client, error) {
			return d.store.Clients.ListClients(ctx, after, pageSize)
		}, func(c *client.Client) string { return c.ID })
		if err != nil {
			return err
		}
		views := make([]clientView, len(all))
		for i, known := range all {
			views[i] = viewClient(known, "")
		}
		return list(s.Out, cmd.answer, clientTable(), views)
	})
}

// Run changes a client.
func (cmd *clientsUpdate) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.atDesk(ctx, s, func(d *desk) error {
		known, err := d.client(ctx, cmd.ID)
		if err != nil {
			return err
		}
		before := known.Metadata
		if err := cmd.apply(&known.Metadata, server.OperatorPolicy(d.config)); err != nil {
			return err
		}
		if err := server.VerifySector(ctx, d.config, &known.Metadata, &before); err != nil {
			return err
		}
		secret, err := cmd.set(ctx, d, known, cmd.NewSecret)
		if err != nil {
			return err
		}
		known.MarkOperatorScope(&before)
		known.UpdatedAt = now()
		if err := d.store.Clients.UpdateClient(ctx, known); err != nil {
			return fmt.Errorf("update %s: %w", cmd.ID, err)
		}
		return d.showClient(cmd.answer, known, secret)
	})
}

// Run deletes a client.
func (cmd *clientsDelete) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.atDesk(ctx, s, func(d *desk) error {
		known, err := d.client(ctx, cmd.ID)
		if err != nil {
			return err
		}
		question := fmt.Sprintf("Delete the client %s (%s) and every token it was given?", known.ID, harmless(known.Name()))
		if err := cmd.confirm(ctx, s, question); err != nil {
			return err
		}
		if err := d.store.Clients.DeleteClient(ctx, cmd.ID); err != nil {
			return fmt.Errorf("delete %s: %w", cmd.ID, err)
		}
		return s.say("deleted %s", cmd.ID)
	})
}

// client returns the client that the command line names.
func (d *desk) client(ctx context.Context, id string) (*client.Client, error) {
	known, err := d.store.Clients.Client(ctx, id)
	if errors.Is(err, client.ErrNotFound) {
		return nil, fmt.Errorf("there is no client %q", id)
	}
	return known, err
}
