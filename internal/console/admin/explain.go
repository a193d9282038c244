package admin

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/refusal"
)

// explain serves GET /console/explain: request_id is that of a rejected request, and before the ID
// of the last rejected request of the previous page.
func explain(v *visit) error {
	c, form := v.console, v.r.Form
	content := pages.ConsoleExplain{Action: c.Root + "/explain", RequestID: strings.TrimSpace(form.Get("request_id"))}
	list, err := c.Refusals.ListRefusals(v.r.Context(), refusal.Filter{}, form.Get("before"), rows+1)
	if err != nil {
		return err
	}
	if len(list) > rows {
		list = list[:rows]
		content.OlderURL = content.Action + "?before=" + url.QueryEscape(list[rows-1].ID)
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
	content.Found, content.Allow = explanation(v, found), allowForm(v, found)
	return v.show(content)
}

// explanation returns a rejected request for a page.
func explanation(v *visit, r *refusal.Record) *pages.Explanation {
	e := &pages.Explanation{
		Rule: string(r.Rule), Cause: r.Cause, Request: r.Method + " " + r.Route, Client: r.ClientID, Network: r.Network,
		Response: strings.TrimSpace(strconv.Itoa(r.Status) + " " + r.Code), At: v.when(r.At),
	}
	for _, a := range r.Attrs {
		e.Values = append(e.Values, pages.ComparedValue{Name: a.Name, Text: a.Value})
	}
	return e
}

// explainURL returns the URL of the page that explains a request.
func (v *visit) explainURL(requestID string) string {
	return v.console.Root + "/explain?request_id=" + url.QueryEscape(requestID)
}

// allowForm returns the form that adds the redirect URI of a rejected request to its client, nil if
// there is none, or the role may not do so.
func allowForm(v *visit, r *refusal.Record) *pages.FormPart {
	i := slices.IndexFunc(r.Attrs, func(a refusal.Attr) bool { return a.Name == "received_redirect_uri" })
	if r.Rule != refusal.RedirectURIMismatch || r.ClientID == "" || i < 0 || strings.HasSuffix(r.Attrs[i].Value, "…") || !v.holds(apikey.ClientsWrite) {
		return nil
	}
	return &pages.FormPart{
		Action: v.applicationURL(r.ClientID), Button: pages.Button{ID: "allow", Text: messages.New("console.allow")},
		Inputs: []pages.Input{{Name: "change", Value: "allow", Kind: pages.InputHidden}, {Name: "uri", Value: r.Attrs[i].Value, Kind: pages.InputHidden}},
	}
}
