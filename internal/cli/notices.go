package cli

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/outbox"
	"github.com/ostiary/ostiary/internal/store"
)

// noticesCommand manages back-channel logout notices.
type noticesCommand struct {
	List   noticesList   `cmd:"" help:"List notices to clients: of back-channel logout, and of decided backchannel authentication requests."`
	Retry  noticesRetry  `cmd:"" help:"Retry notices immediately."`
	Delete noticesDelete `cmd:"" help:"Delete notices; they are not delivered."`
}

type noticesList struct {
	outputFlags

	Client string `help:"Only notices for this client." placeholder:"ID"`
	State  string `help:"Only notices in this state: pending, delivered or failed." enum:",pending,delivered,failed" default:"" placeholder:"STATE"`
}

type noticesRetry struct {
	IDs    []string `arg:"" name:"id" optional:"" help:"Notice IDs, as shown by notices list."`
	All    bool     `help:"All pending and failed notices."`
	Client string   `help:"With --all: only notices for this client." placeholder:"ID"`
}

type noticesDelete struct {
	IDs []string `arg:"" name:"id" help:"Notice IDs, as shown by notices list."`
}

// Run lists the notices.
func (cmd *noticesList) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		all, err := newNotices(d).List(ctx, cmd.Client, outbox.State(cmd.State))
		if err != nil {
			return err
		}
		return printList(s.Out, cmd.outputFlags, noticeColumns(), viewNotices(all))
	})
}

// newNotices returns the use cases of notices.
func newNotices(d *database) *manage.Notices {
	return &manage.Notices{Store: noticeStore{d.store.Outbox}, Now: now}
}

// noticeStore implements [manage.NoticeStore].
type noticeStore struct{ *store.Outbox }

// Notices is [store.Outbox.ListNotices].
func (s noticeStore) Notices(ctx context.Context, clientID string, state outbox.State, after string, limit int) ([]*outbox.Notice, error) {
	return s.ListNotices(ctx, store.NoticeFilter{ClientID: clientID, State: state}, after, limit)
}

// Run makes the notices due immediately, or none if one of them does not exist.
func (cmd *noticesRetry) Run(ctx context.Context, s Streams, c *commandLine) error {
	if (len(cmd.IDs) > 0) == cmd.All {
		return errors.New("either notice IDs or --all is required")
	}
	if cmd.Client != "" && !cmd.All {
		return errors.New("--client requires --all")
	}
	return c.withDatabase(ctx, s, func(d *database) error {
		var count int
		var err error
		if cmd.All {
			count, err = newNotices(d).RetryAll(ctx, cmd.Client)
		} else {
			count, err = newNotices(d).Retry(ctx, cmd.IDs)
		}
		if err != nil {
			return err
		}
		return s.printf("notices due now: %d; a running server delivers them", count)
	})
}

// Run deletes the notices, or none if one of them is unknown.
func (cmd *noticesDelete) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		return newNotices(d).Delete(ctx, cmd.IDs, func(id string) error { return s.printf("deleted %s", id) })
	})
}

// noticeView is a notice in output.
type noticeView struct {
	ID        string    `json:"id"`
	Kind      string    `json:"kind"`
	ClientID  string    `json:"client_id"`
	Subject   string    `json:"subject"`
	SessionID string    `json:"session_id"`
	State     string    `json:"state"`
	Attempts  int       `json:"attempts"`
	Status    int       `json:"status,omitempty"`
	Fault     string    `json:"fault,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	DueAt     time.Time `json:"due_at,omitzero"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
}

func viewNotices(all []*outbox.Notice) []noticeView {
	views := make([]noticeView, len(all))
	for i, n := range all {
		due := n.DueAt
		if n.State != outbox.Pending {
			due = time.Time{}
		}
		views[i] = noticeView{
			n.ID, string(n.Kind), n.ClientID, n.Subject, n.SessionID, string(n.State), n.Attempts, n.Status, n.LastError,
			storedTime(n.CreatedAt), storedTime(due), storedTime(n.EndedAt),
		}
	}
	return views
}

func noticeColumns() table[noticeView] {
	return table[noticeView]{
		[]string{"ID", "CLIENT", "KIND", "STATE", "ATTEMPTS", "CREATED", "DUE", "ENDED", "ERROR"},
		func(v noticeView) []string {
			return []string{
				v.ID, v.ClientID, v.Kind, v.State, strconv.Itoa(v.Attempts), formatTime(v.CreatedAt), formatTime(v.DueAt), formatTime(v.EndedAt), v.Fault,
			}
		},
	}
}
