package cli

import (
	"cmp"
	"context"
	"strings"

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
		invitations := &manage.Invitations{
			Issuer: strings.TrimSuffix(d.config.Issuer, "/"), Groups: d.store.Groups, Links: d.store.OneTimeLinks,
			Off: d.config.SignUp == config.SignUpOff, Outbox: mail.Outbox{Store: d.store.Mails}, Limits: mailLimits(d), HasMail: d.config.HasMail(), Now: now,
		}
		who := manage.Invitee{Address: cmd.Address, Groups: cmd.Group, By: cmp.Or(operator().Name, operator().ID)}
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
