package cli

import (
	"context"
	"os"

	"golang.org/x/term"

	"github.com/ostiary/ostiary/internal/server"
)

// setupLinkCommand prints a link that creates the first administrator.
type setupLinkCommand struct{}

// Run prints the link. It returns an error if there is an administrator.
func (setupLinkCommand) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		link, err := server.NewSetupLinks(d.config, d.store).Link(ctx)
		if err != nil {
			return err
		}
		s.notef("The link creates the first administrator. It works once, within 30 minutes.\n")
		return s.printf("%s", link)
	}, "issuer")
}

// offerSetup prints a set-up link to standard output, never to the log, while there is no
// administrator. Others may read an output that is not a terminal while the link is valid: then the
// link is there only if the server has no users to protect.
func offerSetup(ctx context.Context, s Streams, a *server.Server) error {
	done, err := a.Store.Accounts.HasAdministrator(ctx)
	if err != nil || done {
		return err
	}
	users, err := a.Store.Accounts.ListAccounts(ctx, "", 1)
	if err != nil {
		return err
	}
	if len(users) > 0 && !s.isOutputTerminal() {
		return s.printf("set-up  there is no administrator: ostiary setup-link prints a link that creates one")
	}
	link, err := server.NewSetupLinks(a.Config, a.Store).Link(ctx)
	if err != nil {
		return err
	}
	return s.printf("set-up  %s\n        creates the first administrator; valid once, for 30 minutes; then ostiary setup-link prints another", link)
}

// isOutputTerminal reports whether standard output is a terminal.
func (s Streams) isOutputTerminal() bool {
	to := s.Out
	if o, ok := to.(*output); ok {
		to = o.to
	}
	file, ok := to.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
