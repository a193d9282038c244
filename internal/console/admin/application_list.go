package admin

import (
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// listedApplication is a client in the list of the API.
type listedApplication struct {
	application

	Disabled    bool       `json:"disabled"`
	LastUsedAt  *time.Time `json:"last_used_at"`
	Refused     int        `json:"refused"`
	RefusedMore bool       `json:"refused_more"`
	LastRefused string     `json:"last_refused"`
	Position    string     `json:"position"`
}

// selections returns the keys of the names of selections.
func selections() map[client.Selection]string {
	return map[client.Selection]string{
		client.SelectAll: "console.applications.all", client.SelectNeverUsed: "console.applications.never-used",
		client.SelectFailing: "console.applications.failing", client.SelectRegistered: "console.applications.registered",
	}
}

// applications serves GET /console/applications: search is the beginning of a name, only a selection.
// page is a position in the list, and before is on if the page ends there.
func applications(v *visit) error {
	c, form := v.console, v.r.Form
	content := pages.ConsoleApplications{Action: c.Root + "/applications", Search: form.Get("search"), Empty: messages.New("console.applications.none")}
	if v.holds(apikey.ClientsWrite) {
		content.NewURL = c.Root + "/applications/new"
	}
	for _, only := range append([]client.Selection{client.SelectAll}, client.Selections()...) {
		content.Only = append(content.Only, pages.Option{Value: string(only), Text: messages.New(selections()[only]), Selected: form.Get("only") == string(only)})
	}
	query := url.Values{}
	for _, name := range []string{"search", "only"} {
		if value := form.Get(name); value != "" {
			query.Set(name, value)
			content.Empty = messages.New("console.applications.no-match")
		}
	}
	list, next, err := readApplications(v, query, form.Get("page"), form.Get("before") == "on")
	if err != nil {
		return err
	}
	at := func(position, before string) string {
		query := url.Values{"search": query["search"], "only": query["only"], "page": {position}}
		if before != "" {
			query.Set("before", before)
		}
		return withQuery(content.Action, query)
	}
	if next != "" {
		content.OlderURL = at(next, "")
	}
	if len(list) > 0 && form.Get("page") != "" {
		content.NewerURL = at(list[0].Position, "on")
	}
	for i := range list {
		content.Rows = append(content.Rows, applicationRow(v, &list[i]))
	}
	return v.show(content)
}

// readApplications reads the page of the list after a position, or before it, and the position of the next
// page.
func readApplications(v *visit, query url.Values, position string, before bool) (list []listedApplication, next string, err error) {
	parameters := url.Values{"page_size": {"25"}, "search": query["search"], "only": query["only"]}
	if position != "" {
		parameters.Set("page_token", position)
	}
	if before {
		parameters.Set("order", "desc")
	}
	more, err := v.call(Call{Operation: "listApplications", Query: parameters}, &list)
	if err != nil || !before {
		return list, more, err
	}
	slices.Reverse(list)
	if len(list) > 0 {
		return list, list[len(list)-1].Position, nil
	}
	return readApplications(v, query, "", false) // there is nothing before
}

func applicationRow(v *visit, a *listedApplication) pages.ConnectedApplication {
	row := pages.ConnectedApplication{
		Name: a.title(), URL: v.applicationURL(a.ID), Kind: messages.New(kindOf(&a.application)), Groups: a.AllowedGroups, Disabled: a.Disabled,
		Refused: messages.Literal(strconv.Itoa(a.Refused)),
	}
	if a.RefusedMore {
		row.Refused = messages.New("console.applications.refused-more", "n", a.Refused)
	}
	if a.LastUsedAt != nil {
		used := v.when(*a.LastUsedAt)
		row.Used = &used
	}
	if a.LastRefused != "" && v.holds(apikey.AuditRead) {
		row.WhyURL = v.explainURL(a.LastRefused)
	}
	return row
}
