package admin

import (
	"cmp"
	"encoding/csv"
	"maps"
	"net/url"
	"strconv"
	"time"

	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// fileRows bounds the events in a file.
const fileRows = 10_000

// auditLog serves GET /console/audit: action, actor and target select events, before is the ID of
// the last one of the previous page, and format=csv returns a file.
func auditLog(v *visit) error {
	c, form := v.console, v.r.Form
	filter := audit.Filter{Action: form.Get("action"), Actor: form.Get("actor"), Target: form.Get("target")}
	if form.Get("format") == "csv" {
		return auditFile(v, filter)
	}
	list, err := c.Events.ListEvents(v.r.Context(), filter, form.Get("before"), rows+1)
	if err != nil {
		return err
	}
	content := pages.ConsoleAudit{Action: c.Root + "/audit", ByAction: filter.Action, ByActor: filter.Actor, ByTarget: filter.Target}
	query := url.Values{}
	for name, value := range map[string]string{"action": filter.Action, "actor": filter.Actor, "target": filter.Target} {
		if value != "" {
			query.Set(name, value)
			content.ClearURL = content.Action
		}
	}
	if form.Get("before") != "" {
		content.NewestURL = withQuery(content.Action, query)
	}
	if len(list) > rows {
		list = list[:rows]
		older := maps.Clone(query)
		older.Set("before", list[rows-1].ID)
		content.OlderURL = withQuery(content.Action, older)
	}
	file := maps.Clone(query)
	file.Set("format", "csv")
	content.FileURL = withQuery(content.Action, file)
	content.Changes = changeRows(v, list)
	return v.show(content)
}

// auditFile writes the newest events as a CSV file.
//
// Spec: RFC 4180.
func auditFile(v *visit, filter audit.Filter) error {
	list, err := v.console.Events.ListEvents(v.r.Context(), filter, "", fileRows)
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	v.w.Header().Set("Content-Disposition", `attachment; filename="audit.csv"`)
	v.w.Header().Set("Cache-Control", "no-store")
	file := csv.NewWriter(v.w)
	_ = file.Write([]string{"time", "action", "target", "actor_kind", "actor_id", "actor_name", "address", "request_id", "outcome", "status"})
	for _, e := range list {
		_ = file.Write([]string{
			e.At.UTC().Format(time.RFC3339Nano), cell(e.Action), cell(e.Target), string(e.Actor.Kind), cell(e.Actor.ID), cell(e.Actor.Name),
			e.Address, cell(e.RequestID), string(e.Outcome), strconv.Itoa(e.Status),
		})
	}
	file.Flush() // it fails only if the browser has closed the connection
	return nil
}

// cell returns text that a spreadsheet does not take for a formula.
func cell(text string) string {
	if text != "" && (text[0] == '=' || text[0] == '+' || text[0] == '-' || text[0] == '@' || text[0] == '\t' || text[0] == '\r') {
		return "'" + text
	}
	return text
}

// changes returns events for a page.
func changeRows(v *visit, list []*audit.Event) []pages.ChangeRow {
	var changes []pages.ChangeRow
	for _, e := range list {
		changes = append(changes, pages.ChangeRow{
			Action: e.Action, Target: e.Target, Actor: cmp.Or(e.Actor.Name, e.Actor.ID), Address: e.Address, RequestID: e.RequestID,
			Outcome: messages.New(outcomes()[e.Outcome]), Failed: e.Outcome != audit.Done, At: v.when(e.At),
		})
	}
	return changes
}

// outcomes returns the keys of the names of outcomes.
func outcomes() map[audit.Outcome]string {
	return map[audit.Outcome]string{
		audit.Done: "console.outcome.done", audit.Refused: "console.outcome.refused", audit.Failed: "console.outcome.failed", "": "console.outcome.unknown",
	}
}

// withQuery returns the URL with the query, if there is one.
func withQuery(address string, query url.Values) string {
	if len(query) == 0 {
		return address
	}
	return address + "?" + query.Encode()
}
