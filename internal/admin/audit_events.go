package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/audit"
)

// AuditEvents lists audit events.
type AuditEvents interface {
	// ListEvents returns the newest events that are older than the ID before.
	ListEvents(ctx context.Context, f audit.Filter, before string, limit int) ([]*audit.Event, error)
}

// auditHandler serves the audit log.
type auditHandler struct{ events AuditEvents }

func (h *auditHandler) operations() []Operation {
	return []Operation{{
		ID: "listAuditEvents", Method: http.MethodGet, Path: "/audit", Scope: apikey.AuditRead,
		Summary: "List audit events, the newest first.",
		Query: append([]Parameter{
			{Name: "action", Type: "string", Description: "List only events with this action, such as client.create."},
			{Name: "actor", Type: "string", Description: "List only events of this API key, client or user."},
			{Name: "target", Type: "string", Description: "List only events with this target."},
			{Name: "since", Type: "string", Description: "List only events since this time, in the format of RFC 3339."},
			{Name: "until", Type: "string", Description: "List only events before this time, in the format of RFC 3339."},
		}, pageParameters()...),
		Responses: map[int]any{http.StatusOK: []eventView{}},
		Do:        h.list,
	}}
}

// eventView is an audit event as the API returns it.
type eventView struct {
	ID        string    `json:"id"`
	At        time.Time `json:"at"`
	Action    string    `json:"action"`
	Target    string    `json:"target"`
	Detail    string    `json:"detail,omitempty" doc:"what changed, such as admin_role: none to owner"`
	Actor     actorView `json:"actor"`
	Address   string    `json:"address,omitempty"`
	RequestID string    `json:"request_id,omitempty"`
	Outcome   string    `json:"outcome" doc:"done, refused or failed; empty if the outcome is unknown"`
	Status    int       `json:"status_code,omitempty"`
}

type actorView struct {
	Kind string `json:"kind" doc:"api_key, access_token, client, user, administrator, cli or none"`
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// list serves GET /audit.
func (h *auditHandler) list(r *Request) (*Response, error) {
	p, err := pageFrom(r, "action", "actor", "target", "since", "until")
	if err != nil {
		return nil, err
	}
	query := r.query()
	filter := audit.Filter{Action: query.Get("action"), Actor: query.Get("actor"), Target: query.Get("target")}
	for name, at := range map[string]*time.Time{"since": &filter.Since, "until": &filter.Until} {
		if text := query.Get(name); text != "" {
			if *at, err = time.Parse(time.RFC3339, text); err != nil {
				return nil, invalid("The parameter " + name + " must be a time in the format of RFC 3339.")
			}
		}
	}
	list, err := h.events.ListEvents(r.Context(), filter, p.After, p.Size)
	if err != nil {
		return nil, err
	}
	views, last := make([]eventView, len(list)), ""
	for i, e := range list {
		views[i] = eventView{
			ID: e.ID, At: e.At.UTC(), Action: e.Action, Target: e.Target, Detail: e.Detail, Actor: actorView{string(e.Actor.Kind), e.Actor.ID, e.Actor.Name},
			Address: e.Address, RequestID: e.RequestID, Outcome: string(e.Outcome), Status: e.Status,
		}
		last = e.ID
	}
	p.linkNext(len(list), last)
	return ok(views), nil
}
