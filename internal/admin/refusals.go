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
	// Refusal returns the newest record with the request ID, or refusal.ErrNotFound.
	Refusal(ctx context.Context, requestID string) (*refusal.Record, error)
	// ListRefusals returns the newest records that are older than the ID before.
	ListRefusals(ctx context.Context, f refusal.Filter, before string, limit int) ([]*refusal.Record, error)
}

// refusalHandler serves the records of rejected requests.
type refusalHandler struct{ refusals Refusals }

func (h *refusalHandler) operations() []Operation {
	return []Operation{
		{
			ID: "getRefusal", Method: http.MethodGet, Path: "/refusals/{request_id}", Scope: apikey.AuditRead,
			Summary:   "Get the cause of a rejected request.",
			Responses: map[int]any{http.StatusOK: refusalView{}},
			Do:        h.get,
		},
		{
			ID: "listRefusals", Method: http.MethodGet, Path: "/refusals", Scope: apikey.AuditRead,
			Summary: "List rejected requests, the newest first.",
			Query: append([]Parameter{
				{Name: "client_id", Type: "string", Description: "List only requests of this client."},
				{Name: "rule", Type: "string", Description: "List only requests rejected by this rule, such as redirect_uri_mismatch."},
				{Name: "since", Type: "string", Description: "List only requests since this time, in the format of RFC 3339."},
			}, pageParameters()...),
			Responses: map[int]any{http.StatusOK: []refusalView{}},
			Do:        h.list,
		},
	}
}

// refusalView is a rejected request as the API returns it.
type refusalView struct {
	At         time.Time         `json:"at"`
	RequestID  string            `json:"request_id"`
	Method     string            `json:"method"`
	Route      string            `json:"route" doc:"the pattern of the path"`
	Status     int               `json:"status_code"`
	Error      string            `json:"error,omitempty" doc:"the error code of the response"`
	Rule       string            `json:"rule" doc:"a stable identifier of the check that failed"`
	Cause      string            `json:"cause" doc:"a description of the cause"`
	ClientID   string            `json:"client_id,omitempty"`
	GrantID    string            `json:"grant_id,omitempty"`
	Network    string            `json:"network,omitempty" doc:"the address prefix of the client"`
	Attributes map[string]string `json:"attributes,omitempty" doc:"the values that the check compared"`
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

// get serves GET /refusals/{request_id}.
func (h *refusalHandler) get(r *Request) (*Response, error) {
	found, err := h.refusals.Refusal(r.Context(), r.pathValue("request_id"))
	if err != nil {
		return nil, err
	}
	return ok(viewRefusal(found)), nil
}

// list serves GET /refusals.
func (h *refusalHandler) list(r *Request) (*Response, error) {
	p, err := pageFrom(r, "client_id", "rule", "since")
	if err != nil {
		return nil, err
	}
	query := r.query()
	filter := refusal.Filter{ClientID: query.Get("client_id"), Rule: refusal.Rule(query.Get("rule"))}
	if text := query.Get("since"); text != "" {
		if filter.Since, err = time.Parse(time.RFC3339, text); err != nil {
			return nil, invalid("The parameter since must be a time in the format of RFC 3339.")
		}
	}
	list, err := h.refusals.ListRefusals(r.Context(), filter, p.After, p.Size)
	if err != nil {
		return nil, err
	}
	views, last := make([]refusalView, len(list)), ""
	for i, r := range list {
		views[i], last = viewRefusal(r), r.ID
	}
	p.linkNext(len(list), last)
	return ok(views), nil
}
