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

// explainCommand explains why a request was rejected, or which parts of a request were not
// granted.
type explainCommand struct {
	outputFlags

	RequestID string `arg:"" name:"request-id" help:"The request id, from the log, the header X-Request-Id, or an error page."`
}

// Run prints the rule, the cause and the compared values. It returns an error if the request
// has no record.
func (cmd *explainCommand) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		found, err := d.store.Refusals.Refusal(ctx, cmd.RequestID)
		if errors.Is(err, refusal.ErrNotFound) {
			return fmt.Errorf("no record of the request %q: only rejected or reduced requests have one; records are stored within 2 s and kept for 7 days, at most 100,000; the log contains all rejections", cmd.RequestID)
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

// refusalView is a rejected request in output, with the members of the admin API.
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

// rows returns the members that are set, those of the cause in the order of its check.
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
