package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/manage"
)

type usersGet struct {
	outputFlags

	Username string `arg:"" help:"The username, or the subject of a custom login app."`
}

// Run shows a user.
func (cmd *usersGet) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withUser(ctx, s, cmd.Username, func(_ *database, a *account.Account) error {
		return printObject(s.Out, cmd.outputFlags, viewUser(a))
	})
}

type usersUpdate struct {
	outputFlags

	Username    string            `arg:"" help:"The username, or the subject of a custom login app."`
	Claim       map[string]string `help:"Set a claim, as in email=jo@example.com; may be repeated." mapsep:"none" placeholder:"NAME=VALUE"`
	RemoveClaim []string          `help:"Remove a claim; may be repeated." sep:"none" placeholder:"NAME"`
	Admin       *bool             `help:"Make the user an administrator, or with --no-admin a normal user." negatable:""`
}

// Run changes the claims and the administrator right of a user. Password, sessions and grants
// are unchanged.
func (cmd *usersUpdate) Run(ctx context.Context, s Streams, c *commandLine) error {
	claims, err := readClaims(cmd.Claim)
	if err != nil {
		return err
	}
	if len(claims) == 0 && len(cmd.RemoveClaim) == 0 && cmd.Admin == nil {
		return errors.New("no change: use --claim, --remove-claim, --admin or --no-admin")
	}
	for _, name := range cmd.RemoveClaim {
		if _, both := claims[name]; both {
			return fmt.Errorf("--claim and --remove-claim both name %q", name)
		}
	}
	return c.withUser(ctx, s, cmd.Username, func(d *database, a *account.Account) error {
		change := manage.UserChange{SetClaims: claims, RemoveClaims: cmd.RemoveClaim}
		if cmd.Admin != nil {
			role := adminRole(*cmd.Admin)
			change.AdminRole = &role
		}
		changed, err := newUsers(d).Update(ctx, a, change)
		if err != nil {
			return fmt.Errorf("update %s: %w", displayName(a), err)
		}
		if err := noteUnreleasedClaims(ctx, d, account.Import{Account: changed}); err != nil {
			return err
		}
		return printObject(s.Out, cmd.outputFlags, viewUser(changed))
	})
}
