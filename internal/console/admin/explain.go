package admin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/refusal"
)

// explain serves GET /console/explain: request_id is that of a rejected request. rule selects those of the
// list, and before is the ID of the last one of the previous page.
func explain(v *visit) error {
	c, form := v.console, v.r.Form
	content := pages.ConsoleExplain{Action: c.Root + "/explain", RequestID: strings.TrimSpace(form.Get("request_id"))}
	list, err := c.Refusals.ListRefusals(v.r.Context(), refusal.Filter{Rule: refusal.Rule(form.Get("rule"))}, form.Get("before"), rows+1)
	if err != nil {
		return err
	}
	if len(list) > rows {
		list = list[:rows]
		older := url.Values{"before": {list[rows-1].ID}}
		if rule := form.Get("rule"); rule != "" {
			older.Set("rule", rule)
		}
		content.OlderURL = withQuery(content.Action, older)
	}
	for _, r := range list {
		content.Latest = append(content.Latest, pages.RejectedRow{Rule: string(r.Rule), Client: r.ClientID, URL: v.explainURL(r.RequestID), At: v.when(r.At)})
	}
	if content.RequestID == "" {
		return v.show(content)
	}
	found, err := c.Refusals.Refusal(v.r.Context(), content.RequestID)
	if errors.Is(err, refusal.ErrNotFound) {
		content.Faults = []pages.Fault{{Field: "request-id", Text: messages.New("console.explain.not-found")}}
		return v.refuse(http.StatusNotFound, content)
	}
	if err != nil {
		return err
	}
	content.Found = explanation(v, found)
	return v.show(content)
}

// explanation returns a rejected request for a page: the checks of its endpoint in their order, with
// the one that rejected it.
func explanation(v *visit, r *refusal.Record) *pages.Explanation {
	about := r.Rule.Explanation()
	e := &pages.Explanation{
		Rule: string(r.Rule), Cause: r.Cause, Request: r.Method + " " + r.Route, Client: r.ClientID, Network: r.Network,
		Response: strings.TrimSpace(strconv.Itoa(r.Status) + " " + r.Code), At: v.when(r.At), Meaning: about.Meaning, Fix: about.Fix,
		Allow: allowForm(v, r), Succeeded: r.Status < http.StatusBadRequest,
	}
	endpoint := refusal.EndpointOf(r.Route)
	e.Endpoint = endpoint.Name
	at := endpoint.Place(r.Rule, attr(r, refusal.ParameterAttr))
	if at < 0 { // any check can fail so
		e.Checks = []pages.CheckRow{{Name: string(r.Rule), Failed: true}}
	} else {
		for i, check := range endpoint.Checks {
			e.Checks = append(e.Checks, pages.CheckRow{Name: check.Name, Spec: check.Spec, Passed: i < at, Failed: i == at})
		}
	}
	e.Values, e.Differs = compared(r)
	if r.ClientID != "" && !client.IsBuiltIn(r.ClientID) && v.holds(apikey.ClientsRead) {
		e.ClientURL = v.applicationURL(r.ClientID)
	}
	if subject := attr(r, "subject"); subject != "" && v.holds(apikey.UsersRead) {
		e.UserURL = v.console.Root + "/people/" + url.PathEscape(subject)
	}
	e.Text = explanationText(e, r)
	return e
}

// attr returns the value of an attribute of the record, empty for none.
func attr(r *refusal.Record, name string) string {
	i := slices.IndexFunc(r.Attrs, func(a refusal.Attr) bool { return a.Name == name })
	if i < 0 {
		return ""
	}
	return r.Attrs[i].Value
}

// compared returns the values that the check compared, and in which part a redirect URI differs from
// the closest one.
func compared(r *refusal.Record) (values []pages.ComparedValue, differs messages.Message) {
	for _, a := range r.Attrs {
		value := pages.ComparedValue{Name: a.Name, Text: a.Value}
		switch a.Name {
		case "received_redirect_uri":
			value.Label = messages.New("console.explain.sent")
		case "registered_redirect_uris", "expected_redirect_uri":
			value.Label = messages.New("console.explain.registered")
		}
		values = append(values, value)
	}
	sent := attr(r, "received_redirect_uri")
	registered := refusal.Closest(sent, attr(r, "registered_redirect_uris")+" "+attr(r, "expected_redirect_uri"))
	if sent == "" || registered == "" {
		return values, differs
	}
	part, character := refusal.Differ(sent, registered)
	switch part {
	case refusal.DifferentEnd:
		differs = messages.New("console.explain.differs.end", "character", character)
	case refusal.DifferentCase:
		differs = messages.New("console.explain.differs.case")
	case refusal.DifferentScheme:
		differs = messages.New("console.explain.differs.scheme")
	case refusal.DifferentHost:
		differs = messages.New("console.explain.differs.host")
	case refusal.DifferentPort:
		differs = messages.New("console.explain.differs.port")
	case refusal.DifferentPath:
		differs = messages.New("console.explain.differs.path")
	case refusal.DifferentQuery:
		differs = messages.New("console.explain.differs.query")
	case refusal.DifferentURL:
		differs = messages.New("console.explain.differs.address")
	case refusal.SameURL: // as far as the record has it
	}
	return values, differs
}

// explanationText returns an explanation to paste into a ticket, in English as the log.
func explanationText(e *pages.Explanation, r *refusal.Record) string {
	var b strings.Builder
	for _, line := range [][2]string{
		{"request id", r.RequestID},
		{"time", r.At.UTC().Format(time.RFC3339)},
		{"request", e.Request},
		{"response", e.Response},
		{"client", e.Client},
		{"network", e.Network},
		{"rule", e.Rule},
		{"cause", e.Cause},
	} {
		if line[1] != "" {
			fmt.Fprintf(&b, "%-11s %s\n", line[0], line[1])
		}
	}
	for i, check := range e.Checks {
		state := "not reached"
		switch {
		case check.Passed:
			state = "ok"
		case check.Failed && e.Succeeded:
			state = "REDUCED"
		case check.Failed:
			state = "REFUSED"
		}
		fmt.Fprintf(&b, "%2d %-11s %s\n", i+1, state, strings.TrimSuffix(check.Name+" ("+check.Spec+")", " ()"))
		if check.Failed {
			for _, value := range e.Values {
				fmt.Fprintf(&b, "      %s: %s\n", value.Name, value.Text)
			}
		}
	}
	fmt.Fprintf(&b, "%s\n", strings.TrimSpace(e.Meaning+" "+e.Fix))
	return b.String()
}

// explainURL returns the URL of the page that explains a request.
func (v *visit) explainURL(requestID string) string {
	return v.console.Root + "/explain?request_id=" + url.QueryEscape(requestID)
}

// allowForm returns the form that adds the redirect URI of a rejected request to its client, nil if
// there is none, or the role may not do so.
func allowForm(v *visit, r *refusal.Record) *pages.FormPart {
	uri := attr(r, "received_redirect_uri")
	isRegistered := r.Route == "/oauth2/auth" // at the token endpoint, the URI is compared with that of the request
	if r.Rule != refusal.RedirectURIMismatch || !isRegistered || r.ClientID == "" || client.IsBuiltIn(r.ClientID) || uri == "" || !v.holds(apikey.ClientsWrite) {
		return nil
	}
	if len([]rune(uri)) >= refusal.MaxValue || strings.Contains(uri, "***") { // the record has only a part of it
		return nil
	}
	return &pages.FormPart{
		Action: v.applicationURL(r.ClientID), Button: pages.Button{ID: "allow", Text: messages.New("console.allow"), Primary: true},
		Inputs: []pages.Input{{Name: "change", Value: "allow", Kind: pages.InputHidden}, {Name: "uri", Value: uri, Kind: pages.InputHidden}},
	}
}
