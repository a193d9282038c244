package admin

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// auditLog serves GET /console/audit: action, actor, target, and the days since and until select events. before is
// the ID of the last event of the previous page, after that of the first event of the following one. format is csv
// or json for a file.
func auditLog(v *visit) error {
	c, form := v.console, v.r.Form
	filter, query, faults := auditFilter(form)
	content := pages.ConsoleAudit{
		Form: faults, Action: c.Root + "/audit", ByAction: filter.Action, ByActor: filter.Actor, ByTarget: filter.Target,
		Since: form.Get("since"), Until: form.Get("until"), LookURL: withQuery(c.Root+"/audit", query),
	}
	if len(faults.Faults) > 0 {
		return v.refuse(http.StatusBadRequest, content)
	}
	if format := form.Get("format"); format == "csv" || format == "json" {
		return auditFile(v, filter, query, format)
	}
	list, newer, older, err := auditPage(v, filter)
	if err != nil {
		return err
	}
	link := func(name, value string) string {
		with := maps.Clone(query)
		with.Set(name, value)
		return withQuery(content.Action, with)
	}
	if len(query) > 0 {
		content.ClearURL = content.Action
	}
	if older {
		content.OlderURL = link("before", list[len(list)-1].ID)
	}
	if newer {
		content.NewerURL = link("after", list[0].ID)
	}
	content.Live = form.Get("before") == "" && form.Get("after") == ""
	content.FileURL, content.JSONURL = link("format", "csv"), link("format", "json")
	content.Changes = changeRows(v, list)
	return v.show(content)
}

// auditFilter returns the filter that a form describes, and its query.
func auditFilter(form url.Values) (filter audit.Filter, query url.Values, faults pages.Form) {
	filter = audit.Filter{Action: form.Get("action"), Actor: form.Get("actor"), Target: form.Get("target")}
	query = url.Values{}
	for _, name := range []string{"action", "actor", "target", "since", "until"} {
		if value := form.Get(name); value != "" {
			query.Set(name, value)
		}
	}
	day := func(name string) (at time.Time) {
		text := form.Get(name)
		if text == "" {
			return at
		}
		at, err := time.Parse(time.DateOnly, text)
		if err != nil {
			faults.Faults = append(faults.Faults, pages.Fault{Field: name, Text: messages.New("console.audit.no-day")})
		}
		return at
	}
	filter.Since = day("since")
	if filter.Until = day("until"); !filter.Until.IsZero() {
		filter.Until = filter.Until.AddDate(0, 0, 1) // the day is included
	}
	return filter, query, faults
}

// auditPage returns the events of the page, and whether there are newer and older ones.
func auditPage(v *visit, filter audit.Filter) (list []*audit.Event, newer, older bool, err error) {
	ctx, events, form := v.r.Context(), v.console.Events, v.r.Form
	if after := form.Get("after"); after != "" {
		if list, err = events.NewerEvents(ctx, filter, after, rows+1); err != nil {
			return nil, false, false, err
		}
		if newer = len(list) > rows; newer {
			list = list[1:]
		}
		if len(list) > 0 {
			return list, newer, true, nil
		}
	}
	before := form.Get("before")
	if list, err = events.ListEvents(ctx, filter, before, rows+1); err != nil {
		return nil, false, false, err
	}
	if older = len(list) > rows; older {
		list = list[:rows]
	}
	return list, before != "" && len(list) > 0, older, nil
}

// changeRows returns events for a page.
func changeRows(v *visit, list []*audit.Event) []pages.ChangeRow {
	var changes []pages.ChangeRow
	for _, e := range list {
		changes = append(changes, pages.ChangeRow{
			Action: e.Action, Target: e.Target, Detail: e.Detail, Actor: cmp.Or(e.Actor.Name, e.Actor.ID), Address: e.Address, RequestID: e.RequestID,
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
