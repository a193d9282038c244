package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/refusal"
)

// Refusals finds rejected requests.
type Refusals interface {
	// Refusal returns the newest with a request id, or refusal.ErrNotFound.
	Refusal(ctx context.Context, requestID string) (*refusal.Record, error)
	ListRefusals(ctx context.Context, f refusal.Filter, before string, limit int) ([]*refusal.Record, error)
}

func (h *Handler) refusalOperations() []Operation {
	return []Operation{
		{
			ID: "getRefusal", Method: http.MethodGet, Path: "/refusals/{request_id}", Scope: apikey.AuditRead,
			Summary: "Explain a rejected request.",
			Answers: map[int]any{http.StatusOK: refusalView{}},
			Do:      h.getRefusal,
		},
		{
			ID: "listRefusals", Method: http.MethodGet, Path: "/refusals", Scope: apikey.AuditRead,
			Summary: "List rejected requests, the newest first.",
			Query: append([]Parameter{
				{Name: "client_id", Type: "string", Meaning: "Only those of this client."},
				{Name: "rule", Type: "string", Meaning: "Only those that this rule rejected, such as redirect_uri_mismatch."},
				{Name: "since", Type: "string", Meaning: "Only those since then, as in RFC 3339."},
			}, pageParameters()...),
			Answers: map[int]any{http.StatusOK: []refusalView{}},
			Do:      h.listRefusals,
		},
	}
}

// refusalView is a rejected request as the API shows it.
type refusalView struct {
	At         time.Time         `json:"at"`
	RequestID  string            `json:"request_id"`
	Method     string            `json:"method"`
	Route      string            `json:"route" doc:"the pattern of the path"`
	Status     int               `json:"status_code"`
	Error      string            `json:"error,omitempty" doc:"the error code of the response"`
	Rule       string            `json:"rule" doc:"a stable identifier of the check that failed"`
	Cause      string            `json:"cause" doc:"the cause in words"`
	ClientID   string            `json:"client_id,omitempty"`
	GrantID    string            `json:"grant_id,omitempty"`
	Network    string            `json:"network,omitempty" doc:"the prefix that the request came from"`
	Attributes map[string]string `json:"attributes,omitempty" doc:"what the check compared"`
}

func viewRefusal(r *refusal.Record) refusalView {
	v := refusalView{
		At: r.At.UTC(), RequestID: r.RequestID, Method: r.Method, Route: r.Route, Status: r.Status, Error: r.Code,
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

// getRefusal serves GET /refusals/{request_id}.
func (h *Handler) getRefusal(c *Call) (*Reply, error) {
	found, err := h.Refusals.Refusal(c.Context(), variable(c.Request, "request_id"))
	if err != nil {
		return nil, err
	}
	return ok(viewRefusal(found)), nil
}

// listRefusals serves GET /refusals.
func (h *Handler) listRefusals(c *Call) (*Reply, error) {
	p, err := pageOf(c, "client_id", "rule", "since")
	if err != nil {
		return nil, err
	}
	query := c.URL.Query()
	filter := refusal.Filter{ClientID: query.Get("client_id"), Rule: refusal.Rule(query.Get("rule"))}
	if text := query.Get("since"); text != "" {
		if filter.Since, err = time.Parse(time.RFC3339, text); err != nil {
			return nil, invalid("The parameter since must be a time as in RFC 3339.")
		}
	}
	list, err := h.Refusals.ListRefusals(c.Context(), filter, p.After, p.Size)
	if err != nil {
		return nil, err
	}
	views, last := make([]refusalView, len(list)), ""
	for i, r := range list {
		views[i], last = viewRefusal(r), r.ID
	}
	p.follow(len(list), last)
	return ok(views), nil
}
