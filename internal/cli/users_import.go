package cli

import (
	"context"

	"github.com/ostiary/ostiary/internal/server"
)

// usersImport imports users from a file.
type usersImport struct {
	outputFlags

	File string `arg:"" help:"JSON array of objects with username, password or password_hash (argon2id, bcrypt or PBKDF2), claims, administrator; - is standard input."`
}

// Run imports the users.
func (cmd *usersImport) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		text, err := s.readInput(cmd.File)
		if err != nil {
			return err
		}
		users, err := server.NewUserImporter(d.store, server.NewHasher(d.config)).Read(ctx, text, s.progress("users"))
		if err != nil {
			return importFailed(cmd.File, err)
		}
		var done importResult
		if done.Created, done.Updated, err = d.store.Accounts.ImportAccounts(ctx, users); err != nil {
			return importFailed(cmd.File, err)
		}
		done.Unchanged = len(users) - done.Created - done.Updated
		if err := noteUnreleasedClaims(ctx, d, users...); err != nil {
			return err
		}
		return printImport(d, cmd.outputFlags, done)
	})
}
