package cli

import (
	"context"
	"strconv"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/server"
)

type clientsSecrets struct {
	outputFlags

	ID string `arg:"" help:"The client_id."`
}

type clientsAddSecret struct {
	outputFlags

	ID string `arg:"" help:"The client_id."`
}

type clientsRemoveSecret struct {
	ID     string `arg:"" help:"The client_id."`
	Secret string `arg:"" help:"The ID of the secret, from clients secrets."`
}

type clientsUsage struct {
	outputFlags

	Search string `help:"Only clients whose name begins with this text, in any case." placeholder:"TEXT"`
	Only   string `help:"Only clients that were never used, have rejected requests, or registered themselves." enum:",never-used,failing,registered" default:"" placeholder:"never-used|failing|registered"`
}

// secretView is a secret of a client in output.
type secretView struct {
	ID         string    `json:"secret_id"`
	Current    bool      `json:"current"`
	CreatedAt  time.Time `json:"created_at,omitzero"`
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
	ExpiresAt  time.Time `json:"expires_at,omitzero"`
}

// Run lists the secrets of a client, without the secrets themselves.
func (cmd *clientsSecrets) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		known, err := findClient(ctx, d, cmd.ID)
		if err != nil {
			return err
		}
		uses, err := d.store.Clients.ClientUses(ctx, known.ID)
		if err != nil {
			return err
		}
		var views []secretView
		for _, one := range known.SecretInfos(now()) {
			views = append(views, secretView{one.ID, one.Current, one.CreatedAt, uses[one.ID], one.ExpiresAt})
		}
		return printList(s.Out, cmd.outputFlags, table[secretView]{
			[]string{"ID", "CREATED", "LAST USED", "VALID UNTIL"},
			func(v secretView) []string {
				return []string{v.ID, timeOrDash(v.CreatedAt), timeOrDash(v.LastUsedAt), timeOrDash(v.ExpiresAt)}
			},
		}, views)
	})
}

// Run adds a generated secret to a client.
func (cmd *clientsAddSecret) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		clients, err := server.NewClients(d.config, d.store, server.NewHasher(d.config))
		if err != nil {
			return err
		}
		var secret string
		changed, err := clients.Update(ctx, cmd.ID, func(known *client.Client) (err error) {
			secret, err = clients.AddSecret(ctx, known)
			return err
		}, nil)
		if err != nil {
			return updateFailed(cmd.ID, err)
		}
		return printClient(d, cmd.outputFlags, changed, secret)
	})
}

// Run removes a secret of a client.
func (cmd *clientsRemoveSecret) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		clients, err := server.NewClients(d.config, d.store, server.NewHasher(d.config))
		if err != nil {
			return err
		}
		_, err = clients.Update(ctx, cmd.ID, func(known *client.Client) error { return known.RemoveSecret(cmd.Secret, now()) }, nil)
		if err != nil {
			return updateFailed(cmd.ID, err)
		}
		return s.printf("removed the secret %s of %s", cmd.Secret, cmd.ID)
	})
}

// clientUsageView is the use of a client in output.
type clientUsageView struct {
	ID         string    `json:"client_id"`
	Name       string    `json:"client_name"`
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
	Refused    int       `json:"refused"`
	More       bool      `json:"refused_more"`
	Last       string    `json:"last_refused,omitempty"`
}

// Run lists clients by name with their last use and the rejected requests of the last week.
func (cmd *clientsUsage) Run(ctx context.Context, s Streams, c *commandLine) error {
	only := map[string]client.Selection{
		"": client.SelectAll, "never-used": client.SelectNeverUsed, "failing": client.SelectFailing, "registered": client.SelectRegistered,
	}[cmd.Only]
	return c.withDatabase(ctx, s, func(d *database) error {
		var views []clientUsageView
		q := client.Listing{Prefix: cmd.Search, Only: only, Since: now().Add(-client.RefusedWithin), Limit: pageSize}
		for {
			list, next, err := d.store.Clients.ListedClients(ctx, q)
			if err != nil {
				return err
			}
			for _, one := range list {
				views = append(views, clientUsageView{one.Client.ID, one.Client.ClientName, one.UsedAt, one.Refusals.Count, one.Refusals.More, one.Refusals.LastRequest})
			}
			if q.After = next; next == (client.Position{}) {
				break
			}
		}
		return printList(s.Out, cmd.outputFlags, table[clientUsageView]{
			[]string{"ID", "NAME", "LAST USED", "REJECTED IN 7 DAYS", "LATEST REQUEST ID"},
			func(v clientUsageView) []string {
				refused := strconv.Itoa(v.Refused)
				if v.More {
					refused = "more than " + refused
				}
				return []string{v.ID, dash(v.Name), timeOrDash(v.LastUsedAt), refused, dash(v.Last)}
			},
		}, views)
	})
}

func timeOrDash(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return formatTime(at)
}
