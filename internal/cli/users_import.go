package cli

import (
	"context"
	"encoding/json"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/server"
)

// usersImport imports users from a file.
type usersImport struct {
	outputFlags

	DryRun bool `help:"Show the changes without making them."`

	File string `arg:"" help:"JSON array of objects with subject, username, password or password_hash (argon2, bcrypt, PBKDF2 or scrypt), emails, claims, groups, roles, attributes, admin_role, state; - is standard input."`
}

// usersExport writes the users to standard output.
type usersExport struct {
	Credentials bool `help:"Include the password hashes."`
}

// Run exports the users. Users of a custom login app are left out: they have no username.
func (cmd *usersExport) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		all, err := allPages(func(after string) ([]*account.Account, error) {
			return d.store.Accounts.ListAccounts(ctx, after, pageSize)
		}, func(a *account.Account) string { return a.Username })
		if err != nil {
			return err
		}
		users := []manage.UserExport{}
		for _, a := range all {
			if !a.IsExternal() {
				users = append(users, manage.ExportUser(a, cmd.Credentials))
			}
		}
		encoder := json.NewEncoder(s.Out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(users)
	})
}

// Run imports the users.
func (cmd *usersImport) Run(ctx context.Context, s Streams, c *commandLine) error {
	if cmd.DryRun {
		c.change = change{} // a dry run changes nothing
	}
	return c.withDatabase(ctx, s, func(d *database) error {
		text, err := s.readInput(cmd.File)
		if err != nil {
			return err
		}
		users, err := server.NewUserImporter(d.store, server.NewHasher(d.config)).Read(ctx, text, s.progress("users"))
		if err != nil {
			return importFailed(cmd.File, err)
		}
		importAll := d.store.Accounts.ImportAccounts
		if cmd.DryRun {
			importAll = d.store.Accounts.TryImport
		}
		var done importResult
		if done.Created, done.Updated, err = importAll(ctx, users); err != nil {
			return importFailed(cmd.File, err)
		}
		done.Unchanged = len(users) - done.Created - done.Updated
		if err := noteUnreleasedClaims(ctx, d, users...); err != nil {
			return err
		}
		return printImport(d, cmd.outputFlags, done)
	})
}
