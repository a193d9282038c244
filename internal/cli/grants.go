package cli

import (
	"context"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/store"
)

// grantsCommand lists and revokes grants.
type grantsCommand struct {
	List   grantsList   `cmd:"" help:"List active grants."`
	Revoke grantsRevoke `cmd:"" help:"Revoke grants and all tokens issued under them."`
}

type grantsList struct {
	outputFlags

	Client string `help:"Only for this client." placeholder:"ID"`
	User   string `help:"Only for this user." placeholder:"USERNAME"`
}

type grantsRevoke struct {
	IDs []string `arg:"" name:"id" help:"Grant IDs, as shown by grants list."`
}

// Run lists the active grants.
func (cmd *grantsList) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		filter := store.GrantFilter{ClientID: cmd.Client}
		if cmd.User != "" {
			a, err := newUsers(d).Find(ctx, cmd.User)
			if err != nil {
				return err
			}
			filter.Subject = a.Subject
		}
		when := now()
		all, err := allPages(func(after grant.Locator) ([]*grant.Grant, error) {
			return d.store.Grants.ListGrants(ctx, filter, after, pageSize, when)
		}, func(g *grant.Grant) grant.Locator { return g.Locator })
		if err != nil {
			return err
		}
		return printList(s.Out, cmd.outputFlags, grantColumns(), viewGrants(all))
	})
}

// Run revokes the grants, or none if one of them does not exist.
func (cmd *grantsRevoke) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		grants := &manage.Grants{Store: d.store.Grants, Now: now}
		return grants.Revoke(ctx, cmd.IDs, func(id grant.ID) error { return s.printf("revoked %s", id) })
	})
}

// grantView is a grant in output.
type grantView struct {
	ID        string    `json:"id"`
	ClientID  string    `json:"client_id"`
	Subject   string    `json:"subject"`
	SessionID string    `json:"session_id,omitempty"`
	Scopes    []string  `json:"scopes"`
	Resources []string  `json:"resources,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	UsedAt    time.Time `json:"used_at,omitzero"`
	ExpiresAt time.Time `json:"expires_at"`
	EndsAt    time.Time `json:"ends_at"`
}

func viewGrants(all []*grant.Grant) []grantView {
	views := make([]grantView, len(all))
	for i, g := range all {
		used := g.CodeRedeemedAt
		if g.RefreshRotatedAt.After(used) {
			used = g.RefreshRotatedAt
		}
		views[i] = grantView{
			g.ID.String(), g.ClientID, g.Subject, g.SessionID, append([]string{}, g.Scopes...), g.Resources,
			storedTime(g.CreatedAt), storedTime(used), storedTime(g.ExpiresAt), storedTime(g.EndsAt),
		}
	}
	return views
}

func grantColumns() table[grantView] {
	return table[grantView]{
		[]string{"ID", "CLIENT", "SUBJECT", "SCOPES", "CREATED", "LAST USED", "EXPIRES"},
		func(v grantView) []string {
			return []string{
				v.ID, v.ClientID, v.Subject, strings.Join(v.Scopes, " "), formatTime(v.CreatedAt), formatTime(v.UsedAt), formatTime(v.ExpiresAt),
			}
		},
	}
}
