package admin

import (
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/audit"
)

func (h *Handler) auditOperations() []Operation {
	return []Operation{{
		ID: "listAuditEvents", Method: http.MethodGet, Path: "/audit", Scope: apikey.AuditRead,
		Summary: "What operators and their programs changed, from the newest on.",
		Query: append([]Parameter{
			{Name: "action", Type: "string", Meaning: "Only what was done so, as in client.create."},
			{Name: "actor", Type: "string", Meaning: "Only what this key, client or user did."},
			{Name: "target", Type: "string", Meaning: "Only what was done to this."},
			{Name: "since", Type: "string", Meaning: "Only what was done since then, as in RFC 3339."},
		}, pageParameters()...),
		Answers: map[int]any{http.StatusOK: []eventView{}},
		Do:      h.listEvents,
	}}
}

// eventView is an event as the API shows it.
type eventView struct {
	ID        string    `json:"id"`
	At        time.Time `json:"at"`
	Action    string    `json:"action"`
	Target    string    `json:"target"`
	Actor     actorView `json:"actor"`
	Address   string    `json:"address,omitempty"`
	RequestID string    `json:"request_id,omitempty"`
	Outcome   string    `json:"outcome" doc:"done, refused, failed, or empty where nobody knows"`
	Status    int       `json:"status_code,omitempty"`
}

type actorView struct {
	Kind string `json:"kind" doc:"api_key, access_token, client, cli or none"`
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// listEvents serves GET /audit.
func (h *Handler) listEvents(c *Call) (*Reply, error) {
	p, err := pageOf(c, "action", "actor", "target", "since")
	if err != nil {
		return nil, err
	}
	asked := c.URL.Query()
	filter := audit.Filter{Action: asked.Get("action"), Actor: asked.Get("actor"), Target: asked.Get("target")}
	if text := asked.Get("since"); text != "" {
		if filter.Since, err = time.Parse(time.RFC3339, text); err != nil {
			return nil, invalid("The parameter since must be a time as in RFC 3339.")
		}
	}
	list, err := h.Audit.ListEvents(c.Context(), filter, p.After, p.Size)
	if err != nil {
		return nil, err
	}
	views, last := make([]eventView, len(list)), ""
	for i, e := range list {
		views[i] = eventView{
			ID: e.ID, At: e.At.UTC(), Action: e.Action, Target: e.Target, Actor: actorView{string(e.Actor.Kind), e.Actor.ID, e.Actor.Name},
			Address: e.Address, RequestID: e.RequestID, Outcome: string(e.Outcome), Status: e.Status,
		}
		last = e.ID
	}
	p.follow(len(list), last)
	return ok(views), nil
}
