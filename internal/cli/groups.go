package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/manage"
)

// groupsCommand manages groups of users.
type groupsCommand struct {
	Create groupsCreate `cmd:"" help:"Create a group."`
	List   groupsList   `cmd:"" help:"List groups; users list --group lists the members of one."`
	Update groupsUpdate `cmd:"" help:"Change the description of a group."`
	Delete groupsDelete `cmd:"" help:"Delete a group; its members stay."`
	Add    groupsAdd    `cmd:"" help:"Add users to a group."`
	Remove groupsRemove `cmd:"" help:"Remove users from a group."`
}

type groupsCreate struct {
	outputFlags

	Name        string `arg:"" help:"The name of the group."`
	Description string `help:"The description of the group." placeholder:"TEXT"`
}

type groupsList struct {
	outputFlags
}

type groupsUpdate struct {
	outputFlags

	Name        string `arg:"" help:"The name of the group."`
	Description string `help:"The description of the group." required:"" placeholder:"TEXT"`
}

type groupsDelete struct {
	confirmFlag

	Name string `arg:"" help:"The name of the group."`
}

type groupsAdd struct {
	Name      string   `arg:"" help:"The name of the group."`
	Usernames []string `arg:"" name:"username" help:"The usernames, or the subjects of a custom login app."`
}

type groupsRemove struct {
	Name      string   `arg:"" help:"The name of the group."`
	Usernames []string `arg:"" name:"username" help:"The usernames, or the subjects of a custom login app."`
}

func newGroups(d *database) *manage.Groups { return &manage.Groups{Store: d.store.Groups, Now: now} }

// Run creates a group.
func (cmd *groupsCreate) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		g, err := newGroups(d).Create(ctx, cmd.Name, cmd.Description)
		if err != nil {
			return fmt.Errorf("create %s: %w", cmd.Name, err)
		}
		return printObject(s.Out, cmd.outputFlags, viewGroup(g))
	})
}

// Run lists the groups.
func (cmd *groupsList) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		all, err := allPages(func(after string) ([]*account.Group, error) {
			return d.store.Groups.ListGroups(ctx, after, pageSize)
		}, func(g *account.Group) string { return g.Name })
		if err != nil {
			return err
		}
		var views []groupView
		for _, g := range all {
			views = append(views, viewGroup(g))
		}
		return printList(s.Out, cmd.outputFlags, table[groupView]{
			[]string{"NAME", "DESCRIPTION", "CREATED"},
			func(v groupView) []string { return []string{v.Name, dash(v.Description), formatTime(v.CreatedAt)} },
		}, views)
	})
}

// Run changes the description of a group.
func (cmd *groupsUpdate) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		g, err := newGroups(d).Describe(ctx, cmd.Name, cmd.Description)
		if err != nil {
			return fmt.Errorf("update %s: %w", cmd.Name, err)
		}
		return printObject(s.Out, cmd.outputFlags, viewGroup(g))
	})
}

// Run deletes a group.
func (cmd *groupsDelete) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		if _, err := newGroups(d).Get(ctx, cmd.Name); err != nil {
			return fmt.Errorf("delete %s: %w", cmd.Name, err)
		}
		if err := cmd.confirm(ctx, s, "Delete the group "+sanitize(cmd.Name)+"? Its members stay."); err != nil {
			return err
		}
		if err := d.store.Groups.DeleteGroup(ctx, cmd.Name); err != nil {
			return fmt.Errorf("delete %s: %w", cmd.Name, err)
		}
		return s.printf("deleted the group %s", cmd.Name)
	})
}

// Run adds users to a group.
func (cmd *groupsAdd) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.changeUsers(ctx, s, cmd.Usernames, manage.UserChange{AddGroups: []string{cmd.Name}}, "added %s to "+sanitize(cmd.Name))
}

// Run removes users from a group.
func (cmd *groupsRemove) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.changeUsers(ctx, s, cmd.Usernames, manage.UserChange{RemoveGroups: []string{cmd.Name}}, "removed %s from "+sanitize(cmd.Name))
}

// changeUsers makes the same change of several users, or of none if one of them does not exist.
func (c *commandLine) changeUsers(ctx context.Context, s Streams, usernames []string, change manage.UserChange, done string) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		users := newUsers(d)
		var all []*account.Account
		for _, name := range usernames {
			a, err := users.Find(ctx, name)
			if err != nil {
				return err
			}
			all = append(all, a)
		}
		for _, a := range all {
			if _, err := users.Update(ctx, a, change); err != nil {
				return fmt.Errorf("update %s: %w", displayName(a), err)
			}
			if err := s.printf(done, displayName(a)); err != nil {
				return err
			}
		}
		return nil
	})
}

// groupView is a group in output.
type groupView struct {
	Name        string    `json:"name"`
	Description string    `json:"description"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

func viewGroup(g *account.Group) groupView {
	return groupView{g.Name, g.Description, storedTime(g.CreatedAt), storedTime(g.UpdatedAt)}
}
