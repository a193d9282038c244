package cli

import (
	"context"
	"fmt"

	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/server"
)

// clientsImport imports clients from a file.
type clientsImport struct {
	outputFlags

	File string `arg:"" help:"JSON of one client or an array of clients: RFC 7591 metadata, optionally with client_id and client_secret; - is standard input."`
}

// importResult is the result of an import.
type importResult struct {
	Created   int                      `json:"created"`
	Updated   int                      `json:"updated"`
	Unchanged int                      `json:"unchanged"`
	Secrets   []manage.GeneratedSecret `json:"secrets,omitempty"`
}

// Run imports the clients.
func (cmd *clientsImport) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		text, err := s.readInput(cmd.File)
		if err != nil {
			return err
		}
		importer, err := server.NewClientImporter(d.config, d.store, server.NewHasher(d.config))
		if err != nil {
			return err
		}
		batch, err := importer.Read(ctx, text, s.progress("clients"))
		if err != nil {
			return importFailed(cmd.File, err)
		}
		done := importResult{Secrets: batch.Secrets}
		if done.Created, done.Updated, err = d.store.Clients.ImportClients(ctx, batch.Clients); err != nil {
			return importFailed(cmd.File, err)
		}
		done.Unchanged = len(batch.Clients) - done.Created - done.Updated
		for _, warning := range batch.Warnings {
			s.notef("warning: %s\n", warning)
		}
		return printImport(d, cmd.outputFlags, done)
	})
}

func importFailed(file string, err error) error {
	return fmt.Errorf("import %s: nothing was changed:\n%w", file, err)
}

// printImport prints the result of an import.
func printImport(d *database, a outputFlags, done importResult) error {
	if !a.isTable() {
		return a.write(d.Out, done)
	}
	err := d.printf("%d created, %d updated, %d unchanged", done.Created, done.Updated, done.Unchanged)
	if err != nil || len(done.Secrets) == 0 {
		return err
	}
	if err := d.printf("\nGenerated secrets, shown only once:"); err != nil {
		return err
	}
	return printList(d.Out, a, table[manage.GeneratedSecret]{
		[]string{"CLIENT", "SECRET"}, func(m manage.GeneratedSecret) []string { return []string{m.ID, m.Secret} },
	}, done.Secrets)
}
