package cli

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/session"
)

// sessionsCommand lists and ends sessions.
type sessionsCommand struct {
	List   sessionsList   `cmd:"" help:"List active sessions."`
	Revoke sessionsRevoke `cmd:"" help:"End sessions, and revoke their grants."`
}

type sessionsList struct {
	outputFlags

	User string `help:"Only for this user." placeholder:"USERNAME"`
}

type sessionsRevoke struct {
	IDs  []string `arg:"" name:"id" optional:"" help:"Session IDs, as shown by sessions list."`
	User string   `help:"All sessions of this user." placeholder:"USERNAME"`
}

// Run lists the active sessions.
func (cmd *sessionsList) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		subject := ""
		if cmd.User != "" {
			a, err := newUsers(d).Find(ctx, cmd.User)
			if err != nil {
				return err
			}
			subject = a.Subject
		}
		all, err := listSessions(ctx, d, subject)
		if err != nil {
			return err
		}
		return printList(s.Out, cmd.outputFlags, sessionColumns(), viewSessions(all))
	})
}

func listSessions(ctx context.Context, d *database, subject string) ([]*session.Session, error) {
	when := now()
	return allPages(func(after string) ([]*session.Session, error) {
		return d.store.Sessions.ListSessions(ctx, subject, after, pageSize, when)
	}, func(n *session.Session) string { return n.ID })
}

// Run ends the sessions, or none if one of them does not exist.
func (cmd *sessionsRevoke) Run(ctx context.Context, s Streams, c *commandLine) error {
	if (len(cmd.IDs) > 0) == (cmd.User != "") {
		return errors.New("either session IDs or --user is required")
	}
	return c.withDatabase(ctx, s, func(d *database) error {
		if cmd.User != "" {
			a, err := newUsers(d).Find(ctx, cmd.User)
			if err != nil {
				return err
			}
			ended, err := d.store.Sessions.EndSessionsOf(ctx, a.Subject, now())
			if err != nil {
				return err
			}
			return s.printf("sessions of %s revoked: %d", displayName(a), ended)
		}
		sessions := &manage.Sessions{Store: d.store.Sessions, Now: now}
		return sessions.End(ctx, cmd.IDs, func(id string) error { return s.printf("revoked %s", id) })
	})
}

// sessionView is a session in output.
type sessionView struct {
	ID         string    `json:"id"`
	Username   string    `json:"username"`
	Subject    string    `json:"subject"`
	AuthTime   time.Time `json:"auth_time"`
	ACR        string    `json:"acr,omitempty"`
	AMR        []string  `json:"amr,omitempty"`
	Remembered bool      `json:"remembered"`
	CreatedAt  time.Time `json:"created_at"`
	SeenAt     time.Time `json:"seen_at"`
	IdleUntil  time.Time `json:"idle_until"`
	EndsAt     time.Time `json:"ends_at"`
}

func viewSessions(all []*session.Session) []sessionView {
	views := make([]sessionView, len(all))
	for i, n := range all {
		views[i] = sessionView{
			n.ID, n.Username, n.Subject, storedTime(n.AuthTime), n.ACR, n.AMR, n.Remembered,
			storedTime(n.CreatedAt), storedTime(n.SeenAt), storedTime(n.IdleUntil), storedTime(n.EndsAt),
		}
	}
	return views
}

func sessionColumns() table[sessionView] {
	return table[sessionView]{
		[]string{"ID", "USERNAME", "SIGNED IN", "WITH", "REMEMBERED", "LAST SEEN", "ENDS"},
		func(v sessionView) []string {
			return []string{
				v.ID, cmp.Or(v.Username, v.Subject), formatTime(v.AuthTime), strings.Join(v.AMR, " "), yesOrDash(v.Remembered), formatTime(v.SeenAt), formatTime(v.EndsAt),
			}
		},
	}
}
