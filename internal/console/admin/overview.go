package admin

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

const (
	// rows is the number of rows of a list on one page.
	rows = 25
	// latestChanges are the rows of the audit log on the overview.
	latestChanges = 5
	// latestRefusals are the rejected requests among which the overview looks for a frequent cause, which
	// is one of at least manyRefusals in a day.
	latestRefusals, manyRefusals = 200, 10
	// certificateSoon is how long before its end the overview warns of the certificate.
	certificateSoon = 14 * 24 * time.Hour
)

// roleNames returns the keys of the names of roles.
func roleNames() map[account.AdminRole]string {
	return map[account.AdminRole]string{
		account.Owner: "console.role.owner", account.Administrator: "console.role.administrator",
		account.Support: "console.role.support", account.Auditor: "console.role.auditor",
	}
}

// happened is the response of the operation getStatistics.
type happened struct {
	SignIns  uint64  `json:"sign_ins"`
	Growth   *int    `json:"sign_ins_growth_percent"`
	Failures uint64  `json:"sign_in_failures"`
	Refused  uint64  `json:"refused"`
	Median   float64 `json:"median_seconds"`
	P95      float64 `json:"p95_seconds"`
	Rules    []struct {
		Rule  string `json:"rule"`
		Count uint64 `json:"count"`
	} `json:"rules"`
	Intervals []interval  `json:"intervals"`
	Mails     undelivered `json:"mails"`
	Notices   undelivered `json:"notices"`
	Replicas  []struct {
		Version string `json:"version"`
		Count   int    `json:"count"`
	} `json:"replicas"`
}

type interval struct {
	BeganAt  time.Time `json:"began_at"`
	SignIns  uint64    `json:"sign_ins"`
	Failures uint64    `json:"sign_in_failures"`
	Median   float64   `json:"median_seconds"`
	P95      float64   `json:"p95_seconds"`
}

type undelivered struct {
	Pending int `json:"pending"`
	Failed  int `json:"failed"`
}

// overview serves GET /console: days is 1, 7 or 30.
func overview(v *visit) (err error) {
	c := v.console
	content := pages.ConsoleOverview{Version: c.Version, Role: messages.New(roleNames()[v.account.AdminRole]), AuditURL: c.Root + "/audit"}
	if content.ConnectURL, err = firstConnection(v); err != nil {
		return err
	}
	if err = overviewOfKeys(v, &content); err != nil {
		return err
	}
	if content.MayAudit = v.holds(apikey.AuditRead); !content.MayAudit {
		return v.show(content)
	}
	days, err := strconv.Atoi(v.r.Form.Get("days"))
	if err != nil || !slices.Contains(windows(), days) {
		days = 7
	}
	for _, n := range windows() {
		content.Windows = append(content.Windows, pages.MenuItem{
			Link: pages.Link{URL: fmt.Sprintf("%s?days=%d", c.Root, n), Text: messages.New("console.overview.days", "n", n)}, Current: n == days,
		})
	}
	var h happened
	if _, err = v.call(Call{Operation: "getStatistics", Query: url.Values{"days": {strconv.Itoa(days)}}}, &h); err != nil {
		return err
	}
	overviewOfNumbers(v, &content, &h, days)
	if err = needs(v, &content, &h); err != nil {
		return err
	}
	events, err := c.Events.ListEvents(v.r.Context(), audit.Filter{}, "", latestChanges)
	if err != nil {
		return err
	}
	content.Changes = changeRows(v, events)
	return v.show(content)
}

// windows returns the numbers of days that the overview shows.
func windows() []int { return []int{1, 7, 30} }

// overviewOfNumbers sets the numbers and the plots.
func overviewOfNumbers(v *visit, content *pages.ConsoleOverview, h *happened, days int) {
	content.SignIns, content.Refused, content.Growth = h.SignIns, h.Refused, h.Growth
	content.Median = milliseconds(h.Median)
	content.Mails, content.Notices = pages.Undelivered(h.Mails), pages.Undelivered(h.Notices)
	if v.holds(apikey.UsersRead) {
		content.DeliveriesURL = v.console.Root + "/mail"
	}
	for _, r := range h.Replicas {
		content.Replicas = append(content.Replicas, pages.ReplicaRow{Version: r.Version, Count: r.Count})
	}
	var times []time.Time
	signIns, failures := pages.PlotLine{Name: messages.New("console.plot.sign-ins")}, pages.PlotLine{Name: messages.New("console.plot.failures")}
	median, p95 := pages.PlotLine{Name: messages.New("console.plot.median")}, pages.PlotLine{Name: messages.New("console.plot.p95")}
	for _, one := range h.Intervals {
		times = append(times, one.BeganAt)
		signIns.Values, failures.Values = append(signIns.Values, float64(one.SignIns)), append(failures.Values, float64(one.Failures))
		median.Values, p95.Values = append(median.Values, milliseconds(one.Median)), append(p95.Values, milliseconds(one.P95))
	}
	content.SignInsPlot = &pages.Plot{
		ID: "plot-sign-ins", Title: messages.New("console.plot.sign-ins"), Times: times, Clock: days == 1, Lines: []pages.PlotLine{signIns, failures},
		Summary: messages.New("console.plot.sign-ins.summary", "n", days, "succeeded", h.SignIns, "failures", h.Failures),
	}
	content.LatencyPlot = &pages.Plot{
		ID: "plot-latency", Title: messages.New("console.plot.latency"), Times: times, Clock: days == 1, Milliseconds: true, Lines: []pages.PlotLine{median, p95},
		Summary: messages.New("console.plot.latency.summary", "median", milliseconds(h.Median), "p", milliseconds(h.P95)),
	}
	if h.P95 == 0 {
		content.LatencyPlot.Summary = messages.New("console.plot.latency.none")
	}
	content.RefusedPlot = &pages.Bars{
		ID: "plot-refused", Title: messages.New("console.plot.refused"), NameOf: messages.New("console.plot.rule"), CountOf: messages.New("console.plot.count"),
		Summary: messages.New("console.plot.refused.summary", "n", days, "refused", h.Refused),
	}
	for _, one := range h.Rules {
		content.RefusedPlot.Rows = append(content.RefusedPlot.Rows, pages.Bar{Name: one.Rule, Count: one.Count, URL: v.console.Root + "/explain?rule=" + url.QueryEscape(one.Rule)})
	}
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
