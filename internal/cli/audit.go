package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/config"
)

// auditCommand lists audit events.
type auditCommand struct {
	outputFlags

	Since  string `help:"Only events since this time, as in 2026-11-26T08:00:00Z, or in this period, as in 24h." placeholder:"TIME"`
	Until  string `help:"Only events before this time." placeholder:"TIME"`
	Action string `help:"Only events with this action, as in client.create." placeholder:"ACTION"`
	Actor  string `help:"Only events of this API key, client or operating system user." placeholder:"ID"`
	Target string `help:"Only events with this target." placeholder:"ID"`
	Limit  int    `help:"Maximum number of events, newest first." default:"100" placeholder:"N"`
}

// Run lists the events.
func (cmd *auditCommand) Run(ctx context.Context, s Streams, c *commandLine) error {
	filter := audit.Filter{Action: cmd.Action, Actor: cmd.Actor, Target: cmd.Target}
	for _, bound := range []struct {
		text string
		at   *time.Time
	}{{cmd.Since, &filter.Since}, {cmd.Until, &filter.Until}} {
		if bound.text != "" {
			var err error
			if *bound.at, err = parseTime(bound.text, now()); err != nil {
				return err
			}
		}
	}
	if cmd.Limit < 1 {
		return fmt.Errorf("--limit %d must be at least 1", cmd.Limit)
	}
	return c.withDatabase(ctx, s, func(d *database) error {
		var all []*audit.Event
		before := ""
		for left := cmd.Limit; left > 0; left = cmd.Limit - len(all) {
			some, err := d.store.Audit.ListEvents(ctx, filter, before, min(left, pageSize))
			if err != nil {
				return err
			}
			all = append(all, some...)
			if len(some) < min(left, pageSize) {
				break
			}
			before = some[len(some)-1].ID
		}
		return printList(s.Out, cmd.outputFlags, eventColumns(), viewEvents(all))
	})
}

// parseTime parses a time, or a duration before now.
func parseTime(text string, now time.Time) (time.Time, error) {
	if ago, err := config.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("invalid time %q: must be a time as in 2026-11-26T08:00:00Z or a period as in 24h or 7d", text)
}

// eventView is an audit event in output.
type eventView struct {
	ID        string    `json:"id"`
	At        time.Time `json:"at"`
	Action    string    `json:"action"`
	Target    string    `json:"target"`
	Detail    string    `json:"detail,omitempty"`
	By        string    `json:"actor_kind"`
	ActorID   string    `json:"actor_id,omitempty"`
	ActorName string    `json:"actor_name,omitempty"`
	Address   string    `json:"address,omitempty"`
	RequestID string    `json:"request_id,omitempty"`
	Outcome   string    `json:"outcome"`
	Status    int       `json:"status_code,omitempty"`
}

func viewEvents(all []*audit.Event) []eventView {
	views := make([]eventView, len(all))
	for i, e := range all {
		views[i] = eventView{
			e.ID, storedTime(e.At), e.Action, e.Target, e.Detail, string(e.Actor.Kind), e.Actor.ID, e.Actor.Name, e.Address, e.RequestID,
			string(e.Outcome), e.Status,
		}
	}
	return views
}

func eventColumns() table[eventView] {
	return table[eventView]{
		[]string{"TIME", "ACTION", "TARGET", "DETAIL", "ACTOR KIND", "ACTOR", "ADDRESS", "OUTCOME"},
		func(v eventView) []string {
			outcome := v.Outcome
			if outcome == "" {
				outcome = "unknown"
			}
			if v.Status != 0 {
				outcome = fmt.Sprintf("%s (%d)", outcome, v.Status)
			}
			return []string{formatTime(v.At), v.Action, dash(v.Target), dash(v.Detail), v.By, dash(v.ActorID), dash(v.Address), outcome}
		},
	}
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
