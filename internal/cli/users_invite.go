package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/manage"
)

type usersInvite struct {
	Address string   `arg:"" help:"The email address of the user."`
	Group   []string `help:"A group of the account; may be repeated." placeholder:"NAME"`
	Link    bool     `help:"Print the link, also if the server sends mail."`
}

// Run sends an invitation, or prints its link if the server sends no mail.
func (cmd *usersInvite) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		if d.config.SignUp == config.SignUpOff {
			return errors.New("sign_up is off: set it to invited, domains or open")
		}
		invitations := &manage.Invitations{
			Issuer: strings.TrimSuffix(d.config.Issuer, "/"), Accounts: d.store.Accounts, Links: d.store.OneTimeLinks,
			Outbox: mail.Outbox{Store: d.store.Mails}, HasMail: d.config.HasMail(), Now: now,
		}
		who := manage.Invitee{Address: cmd.Address, Groups: cmd.Group, By: cmp.Or(operator().Name, operator().ID)}
		if err := checkGroups(ctx, d, cmd.Group); err != nil {
			return err
		}
		if d.config.HasMail() && !cmd.Link {
			if err := invitations.Mail(ctx, who); err != nil {
				return err
			}
			return s.printf("a running server sends an invitation to %s", cmd.Address)
		}
		link, expiresAt, err := invitations.Link(ctx, who)
		if err != nil {
			return err
		}
		s.notef("The link creates an account for %s. It works once, until %s.\n", cmd.Address, formatTime(expiresAt))
		return s.printf("%s", link)
	}, "issuer")
}

// checkGroups returns an error unless all groups exist.
func checkGroups(ctx context.Context, d *database, names []string) error {
	if len(names) == 0 {
		return nil
	}
	known, err := allPages(func(after string) ([]*account.Group, error) {
		return d.store.Groups.ListGroups(ctx, after, pageSize)
	}, func(g *account.Group) string { return g.Name })
	if err != nil {
		return err
	}
	for _, name := range names {
		if !slices.ContainsFunc(known, func(g *account.Group) bool { return g.Name == name }) {
			return fmt.Errorf("%s: %w", name, account.ErrGroupNotFound)
		}
	}
	return nil
}
