package cli

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/manage"
)

// usersCredentials lists and removes the credentials of a user.
type usersCredentials struct {
	List   usersCredentialsList   `cmd:"" help:"List the credentials of a user: password, passkeys, security keys, authenticator apps and recovery codes."`
	Remove usersCredentialsRemove `cmd:"" help:"Remove a credential of a user. Removing the password ends sessions and grants."`
}

type usersCredentialsList struct {
	outputFlags

	Username string `arg:"" help:"The username, or the subject of a custom login app."`
}

type usersCredentialsRemove struct {
	confirmFlag

	Username string `arg:"" help:"The username, or the subject of a custom login app."`
	ID       string `arg:"" name:"id" help:"The ID of the credential, as shown by users credentials list."`
}

// Run lists the credentials of a user.
func (cmd *usersCredentialsList) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withUser(ctx, s, cmd.Username, func(d *database, a *account.Account) error {
		list, err := newCredentials(d).List(ctx, a.Subject)
		if err != nil {
			return err
		}
		var views []credentialView
		for _, one := range list {
			views = append(views, credentialView{one.ID, one.Kind, one.Label, one.Left, storedTime(one.CreatedAt), storedTime(one.LastUsedAt)})
		}
		return printList(s.Out, cmd.outputFlags, credentialColumns(), views)
	})
}

// Run removes a credential of a user.
func (cmd *usersCredentialsRemove) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withUser(ctx, s, cmd.Username, func(d *database, a *account.Account) error {
		question := fmt.Sprintf("Remove the credential %s of the user %s? This cannot be undone.", cmd.ID, displayName(a))
		if err := cmd.confirm(ctx, s, question); err != nil {
			return err
		}
		if err := newCredentials(d).Remove(ctx, a.Subject, cmd.ID); err != nil {
			return fmt.Errorf("remove %s of %s: %w", cmd.ID, displayName(a), err)
		}
		return s.printf("removed %s of %s", cmd.ID, displayName(a))
	})
}

func newCredentials(d *database) *manage.Credentials {
	return &manage.Credentials{Users: d.store.Accounts, Sources: []manage.CredentialSource{d.store.Passkeys, d.store.SecondFactors}, Now: now}
}

// credentialView is a credential in output.
type credentialView struct {
	ID         string          `json:"id"`
	Kind       credential.Kind `json:"kind"`
	Label      string          `json:"label,omitempty"`
	Left       *int            `json:"left,omitempty"`
	CreatedAt  time.Time       `json:"created_at"`
	LastUsedAt time.Time       `json:"last_used_at,omitzero"`
}

func credentialColumns() table[credentialView] {
	return table[credentialView]{
		[]string{"ID", "KIND", "LABEL", "LEFT", "CREATED", "LAST USED"},
		func(v credentialView) []string {
			left := ""
			if v.Left != nil {
				left = strconv.Itoa(*v.Left)
			}
			return []string{v.ID, string(v.Kind), v.Label, left, formatTime(v.CreatedAt), formatTime(v.LastUsedAt)}
		},
	}
}
