package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/refusal"
)

// explainCommand explains a rejected request, or what a successful response lacks.
type explainCommand struct {
	outputFlags

	RequestID string `arg:"" name:"request-id" help:"The request id, from the log, the header X-Request-Id, or an error page."`
}

// Run prints the rule, the cause and what was compared. It returns an error, and so a status
// other than 0, for a request without a record.
func (cmd *explainCommand) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		found, err := d.store.Refusals.Refusal(ctx, cmd.RequestID)
		if errors.Is(err, refusal.ErrNotFound) {
			return fmt.Errorf("no record of the request %q: a request that got all that it named has none, at most 100,000 are kept, for 7 days, and one appears up to 2 s after its response; the log has them all", cmd.RequestID)
		}
		if err != nil {
			return err
		}
		view := viewRefusal(found)
		if !cmd.isTable() {
			return cmd.write(s.Out, view)
		}
		return printTable(s.Out, view.rows(found.Attrs))
	})
}

// refusalView is a rejected request as it is shown, with the members of the admin API.
type refusalView struct {
	At         time.Time         `json:"at"`
	RequestID  string            `json:"request_id"`
	Method     string            `json:"method"`
	Route      string            `json:"route"`
	Status     int               `json:"status_code"`
	Error      string            `json:"error,omitempty"`
	Rule       string            `json:"rule"`
	Cause      string            `json:"cause"`
	ClientID   string            `json:"client_id,omitempty"`
	GrantID    string            `json:"grant_id,omitempty"`
	Network    string            `json:"network,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

func viewRefusal(r *refusal.Record) refusalView {
	v := refusalView{
		At: storedTime(r.At), RequestID: r.RequestID, Method: r.Method, Route: r.Route, Status: r.Status, Error: r.Code,
		Rule: string(r.Rule), Cause: r.Cause, ClientID: r.ClientID, GrantID: r.GrantID, Network: r.Network,
	}
	for _, a := range r.Attrs {
		if v.Attributes == nil {
			v.Attributes = map[string]string{}
		}
		v.Attributes[a.Name] = a.Value
	}
	return v
}

// rows are the members that are set, those of the cause in the order of its check.
func (v refusalView) rows(attrs []refusal.Attr) [][]string {
	rows := [][]string{
		{"at", formatTime(v.At)},
		{"request_id", v.RequestID},
		{"request", v.Method + " " + v.Route},
		{"response", strings.TrimSpace(strconv.Itoa(v.Status) + " " + v.Error)},
		{"client_id", v.ClientID},
		{"network", v.Network},
		{"rule", v.Rule},
		{"cause", v.Cause},
		{"grant_id", v.GrantID},
	}
	for _, a := range attrs {
		rows = append(rows, []string{a.Name, a.Value})
	}
	var set [][]string
	for _, row := range rows {
		if row[1] != "" {
			set = append(set, row)
		}
	}
	return set
}
