package admin

import (
	"cmp"
	"net/url"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/refusal"
)

const (
	// rows is the number of rows of a list on one page.
	rows = 25
	// latestChanges are the rows of the audit log on the overview.
	latestChanges = 5
	// countedRefusals bounds the rejected requests that the overview counts, of refusedWithin.
	countedRefusals = 1000
	refusedWithin   = 7 * 24 * time.Hour
)

// roleNames returns the keys of the names of roles.
func roleNames() map[account.AdminRole]string {
	return map[account.AdminRole]string{
		account.Owner: "console.role.owner", account.Administrator: "console.role.administrator",
		account.Support: "console.role.support", account.Auditor: "console.role.auditor",
	}
}

// overview serves GET /console.
func overview(v *visit) (err error) {
	c := v.console
	content := pages.ConsoleOverview{
		Version: c.Version, Role: messages.New(roleNames()[v.account.AdminRole]),
		AuditURL: c.Root + "/audit", RefuseURL: c.Root + "/explain",
	}
	if content.ConnectURL, err = firstConnection(v); err != nil {
		return err
	}
	if content.MayAudit = v.holds(apikey.AuditRead); !content.MayAudit {
		return v.show(content)
	}
	ctx := v.r.Context()
	refused, err := c.Refusals.ListRefusals(ctx, refusal.Filter{Since: v.now.Add(-refusedWithin)}, "", countedRefusals)
	if err != nil {
		return err
	}
	content.Refused, content.RefusedMore = countByRule(v, refused), len(refused) == countedRefusals
	events, err := c.Events.ListEvents(ctx, audit.Filter{}, "", latestChanges)
	if err != nil {
		return err
	}
	content.Changes = changeRows(v, events)
	return v.show(content)
}

// countByRule counts rejected requests by rule, the most frequent first. The list has the newest first.
func countByRule(v *visit, list []*refusal.Record) []pages.RefusedRow {
	var counted []pages.RefusedRow
	for _, r := range list {
		i := slices.IndexFunc(counted, func(row pages.RefusedRow) bool { return row.Rule == string(r.Rule) })
		if i < 0 {
			counted = append(counted, pages.RefusedRow{Rule: string(r.Rule), URL: v.explainURL(r.RequestID), Last: v.when(r.At)})
			i = len(counted) - 1
		}
		counted[i].Count++
	}
	slices.SortStableFunc(counted, func(a, b pages.RefusedRow) int { return cmp.Compare(b.Count, a.Count) })
	return counted
}

// firstConnection returns the page that connects an application, if there is none but the demo
// application and the administrator may connect one.
func firstConnection(v *visit) (string, error) {
	if !v.holds(apikey.ClientsWrite) {
		return "", nil
	}
	var some []application
	if _, err := v.call(Call{Operation: "listOAuth2Clients", Query: url.Values{"page_size": {"2"}}}, &some); err != nil {
		return "", err
	}
	if slices.ContainsFunc(some, func(a application) bool { return a.ID != client.DemoID }) {
		return "", nil
	}
	return v.console.Root + "/applications/new", nil
}
