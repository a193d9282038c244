package cli

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/activity"
)

// usersActivity lists what happened to the account of a user.
type usersActivity struct {
	outputFlags

	Username string `arg:"" help:"The username, or the subject of a custom login app."`
	Limit    int    `help:"The maximum number of events, the newest first." default:"100"`
}

// Run lists the events.
func (cmd *usersActivity) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withUser(ctx, s, cmd.Username, func(d *database, a *account.Account) error {
		list, err := d.store.Activity.ListActivity(ctx, a.Subject, "", cmd.Limit)
		if err != nil {
			return err
		}
		var views []activityView
		for _, e := range list {
			views = append(views, activityView{
				e.ID, storedTime(e.At), storedTime(e.LastAt), e.Kind, e.Count, e.Browser, e.System, e.Network, e.Detail,
			})
		}
		return printList(s.Out, cmd.outputFlags, activityColumns(), views)
	})
}

// activityView is an event in output.
type activityView struct {
	ID      string        `json:"id"`
	At      time.Time     `json:"at"`
	LastAt  time.Time     `json:"last_at"`
	Kind    activity.Kind `json:"kind"`
	Count   int           `json:"count"`
	Browser string        `json:"browser,omitempty"`
	System  string        `json:"system,omitempty"`
	Network string        `json:"network,omitempty"`
	Detail  string        `json:"detail,omitempty"`
}

func activityColumns() table[activityView] {
	return table[activityView]{
		[]string{"TIME", "EVENT", "COUNT", "BROWSER", "NETWORK", "DETAIL"},
		func(v activityView) []string {
			return []string{
				formatTime(v.At), string(v.Kind), strconv.Itoa(v.Count), strings.TrimSpace(v.Browser + " " + v.System), v.Network, v.Detail,
			}
		},
	}
}
