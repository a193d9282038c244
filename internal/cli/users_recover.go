package cli

import (
	"context"
	"strings"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/manage"
)

type usersRecover struct {
	Username string `arg:"" help:"The username, or the subject of a custom login app."`
	Mail     bool   `help:"Send the link to the user's verified email address, instead of printing it."`
	Reset    bool   `name:"reset-factors" help:"The link also removes all passkeys, security keys, authenticator apps and recovery codes, which the user has lost."`
}

// Run prints a link with which the user sets a new password, or sends it.
func (cmd *usersRecover) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withUser(ctx, s, cmd.Username, func(d *database, a *account.Account) error {
		recovery := newRecovery(d)
		if cmd.Mail {
			address, err := recovery.Mail(ctx, a, cmd.Reset)
			if err != nil {
				return err
			}
			return s.printf("a running server sends a link to %s", address)
		}
		link, expiresAt, err := recovery.Link(ctx, a, cmd.Reset)
		if err != nil {
			return err
		}
		if cmd.Reset {
			s.notef("The link removes the passkeys, security keys, authenticator apps and recovery codes of %s.\n", displayName(a))
		}
		s.notef("The link sets a new password for %s without a second factor. It works once, until %s.\n", displayName(a), formatTime(expiresAt))
		return s.printf("%s", link)
	}, "issuer")
}

// newRecovery returns the use cases of recovery. A running server sends the messages.
func newRecovery(d *database) *manage.Recovery {
	return &manage.Recovery{
		Issuer: strings.TrimSuffix(d.config.Issuer, "/"), Links: d.store.OneTimeLinks, Outbox: mail.Outbox{Store: d.store.Mails},
		Limits: mailLimits(d), HasMail: d.config.HasMail(), Now: now,
	}
}

// mailLimits returns the limits of messages that operators send, for all commands and servers
// together.
func mailLimits(d *database) (limits manage.MailLimits) {
	if d.config.RateLimits {
		limits.Attempts = d.store.Throttle
	}
	return limits
}
