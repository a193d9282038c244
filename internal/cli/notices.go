package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/ostiary/ostiary/internal/outbox"
	"github.com/ostiary/ostiary/internal/store"
)

// noticesCommand looks after what clients are to hear of.
type noticesCommand struct {
	List   noticesList   `cmd:"" help:"List back-channel logout notices."`
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
		all, err := listNotices(ctx, d, store.NoticeFilter{ClientID: cmd.Client, State: outbox.State(cmd.State)})
		if err != nil {
			return err
		}
		return printList(s.Out, cmd.outputFlags, noticeColumns(), viewNotices(all))
	})
}

func listNotices(ctx context.Context, d *database, filter store.NoticeFilter) ([]*outbox.Notice, error) {
	return allPages(func(after string) ([]*outbox.Notice, error) {
		return d.store.Outbox.ListNotices(ctx, filter, after, pageSize)
	}, func(n *outbox.Notice) string { return n.ID })
}

// Run makes the notices due now, or none if one of them is not there.
func (cmd *noticesRetry) Run(ctx context.Context, s Streams, c *commandLine) error {
	if (len(cmd.IDs) > 0) == cmd.All {
		return errors.New("name either notices or --all")
	}
	if cmd.Client != "" && !cmd.All {
		return errors.New("--client goes with --all")
	}
	return c.withDatabase(ctx, s, func(d *database) error {
		waiting, err := listUndelivered(ctx, d, cmd.Client)
		if err != nil {
			return err
		}
		ids := cmd.IDs
		if cmd.All {
			ids = nil
			for _, n := range waiting {
				ids = append(ids, n.ID)
			}
		}
		if err := allKnown(ids, waiting, "nothing was retried", "there is no such notice, or it was delivered"); err != nil {
			return err
		}
		for _, id := range ids {
			// What was delivered since it was listed needs no retry.
			if err := d.store.Outbox.RetryNotice(ctx, id, now()); err != nil && !errors.Is(err, outbox.ErrNotFound) {
				return err
			}
		}
		return s.printf("%d due now; a running server delivers them", len(ids))
	})
}

// listUndelivered returns the notices that wait or were given up.
func listUndelivered(ctx context.Context, d *database, clientID string) ([]*outbox.Notice, error) {
	var all []*outbox.Notice
	for _, state := range []outbox.State{outbox.Pending, outbox.Failed} {
		some, err := listNotices(ctx, d, store.NoticeFilter{ClientID: clientID, State: state})
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// Run removes the notices, or none if one of them is not there.
func (cmd *noticesDelete) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		all, err := listNotices(ctx, d, store.NoticeFilter{})
		if err != nil {
			return err
		}
		if err := allKnown(cmd.IDs, all, "nothing was deleted", "there is no such notice"); err != nil {
			return err
		}
		for _, id := range cmd.IDs {
			if err := d.store.Outbox.DeleteNotice(ctx, id); err != nil && !errors.Is(err, outbox.ErrNotFound) {
				return err
			}
			if err := s.printf("deleted %s", id); err != nil {
				return err
			}
		}
		return nil
	})
}

// allKnown fails, naming each, if some of ids are not among the notices.
func allKnown(ids []string, among []*outbox.Notice, outcome, fault string) error {
	known := make(map[string]bool, len(among))
	for _, n := range among {
		known[n.ID] = true
	}
	var faults []error
	for _, id := range ids {
		if !known[id] {
			faults = append(faults, fmt.Errorf("%s: %s", id, fault))
		}
	}
	if len(faults) > 0 {
		return fmt.Errorf("%s:\n%w", outcome, errors.Join(faults...))
	}
	return nil
}

// noticeView is a notice as it is shown.
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
		[]string{"ID", "CLIENT", "KIND", "STATE", "TRIES", "CREATED", "DUE", "ENDED", "FAULT"},
		func(v noticeView) []string {
			return []string{
				v.ID, v.ClientID, v.Kind, v.State, strconv.Itoa(v.Attempts), formatTime(v.CreatedAt), formatTime(v.DueAt), formatTime(v.EndedAt), v.Fault,
			}
		},
	}
}
