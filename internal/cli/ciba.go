package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/ciba"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/server"
)

// cibaCommand shows and decides backchannel authentication requests.
type cibaCommand struct {
	List   cibaList   `cmd:"" help:"List backchannel authentication requests that wait for a user."`
	Accept cibaAccept `cmd:"" help:"Accept a request in the name of its user."`
	Reject cibaReject `cmd:"" help:"Reject a request."`
}

type cibaList struct {
	outputFlags

	User string `help:"Only for this user." placeholder:"USERNAME"`
}

type cibaAccept struct {
	ID  string `arg:"" help:"ID, as shown by ciba list."`
	ACR string `help:"The level of the authentication, a value of acr." placeholder:"ACR"`
}

type cibaReject struct {
	ID string `arg:"" help:"ID, as shown by ciba list."`
}

// Run lists the open requests.
func (cmd *cibaList) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		subject := ""
		if cmd.User != "" {
			a, err := newUsers(d).Find(ctx, cmd.User)
			if err != nil {
				return err
			}
			subject = a.Subject
		}
		when := now()
		all, err := allPages(func(after *ciba.Request) ([]*ciba.Request, error) {
			return d.store.Backchannel.ListBackchannel(ctx, subject, after, pageSize, when)
		}, func(r *ciba.Request) *ciba.Request { return r })
		if err != nil {
			return err
		}
		return printList(s.Out, cmd.outputFlags, cibaColumns(), viewCIBA(all))
	})
}

// Run accepts the request.
func (cmd *cibaAccept) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withTokens(ctx, s, func(d *database, endpoints *server.OAuth2) error {
		return decideCIBA(ctx, s, d, cmd.ID, "accepted", func(r *ciba.Request) error {
			return endpoints.Decisions.Allow(ctx, r, ciba.Approval{AuthTime: now(), ACR: cmd.ACR})
		})
	})
}

// Run rejects the request.
func (cmd *cibaReject) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withTokens(ctx, s, func(d *database, endpoints *server.OAuth2) error {
		return decideCIBA(ctx, s, d, cmd.ID, "rejected", func(r *ciba.Request) error { return endpoints.Decisions.Deny(ctx, r) })
	})
}

// decideCIBA runs decide for an open request.
func decideCIBA(ctx context.Context, s Streams, d *database, text, done string, decide func(*ciba.Request) error) error {
	id, err := grant.ParseID(text)
	if err != nil {
		return fmt.Errorf("%q is not an ID: see ciba list", text)
	}
	r, err := d.store.Backchannel.OpenBackchannel(ctx, id, now())
	if err == nil && r.Subject == "" {
		err = ciba.ErrNotFound
	}
	if err == nil {
		err = decide(r)
	}
	if errors.Is(err, ciba.ErrNotFound) {
		return fmt.Errorf("no request with the ID %q waits: see ciba list", text)
	}
	if err != nil {
		return err
	}
	return s.printf("%s %s", done, text)
}

// cibaView is a request in output.
type cibaView struct {
	ID             string    `json:"id"`
	ClientID       string    `json:"client_id"`
	Subject        string    `json:"subject"`
	Scopes         []string  `json:"scopes"`
	BindingMessage string    `json:"binding_message,omitempty"`
	Network        string    `json:"network,omitempty"`
	CreatedAt      time.Time `json:"created_at"`
	ExpiresAt      time.Time `json:"expires_at"`
}

func viewCIBA(all []*ciba.Request) []cibaView {
	views := make([]cibaView, len(all))
	for i, r := range all {
		views[i] = cibaView{
			r.ID(), r.ClientID, r.Subject, r.Details.Scopes, r.Details.BindingMessage, r.Details.Network, storedTime(r.CreatedAt), storedTime(r.ExpiresAt),
		}
	}
	return views
}

func cibaColumns() table[cibaView] {
	return table[cibaView]{
		[]string{"ID", "CLIENT", "USER", "SCOPES", "MESSAGE", "NETWORK", "EXPIRES"},
		func(v cibaView) []string {
			return []string{v.ID, v.ClientID, v.Subject, strings.Join(v.Scopes, " "), v.BindingMessage, v.Network, formatTime(v.ExpiresAt)}
		},
	}
}
