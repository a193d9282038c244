package admin

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/client"
)

// Applications reads how clients are used.
type Applications interface {
	// ListedClients returns a page of clients, and the position after which the next one starts.
	ListedClients(ctx context.Context, q client.Listing) (list []*client.Listed, next client.Position, err error)
	// ClientUses returns when a client, under the empty ID, and its secrets were last used.
	ClientUses(ctx context.Context, id string) (map[string]time.Time, error)
	// ClientRefusals counts the rejected requests of a client by rule.
	ClientRefusals(ctx context.Context, id string, since time.Time) ([]client.RefusedRule, error)
}

// applicationHandler serves the operations on the use of clients.
type applicationHandler struct {
	clients ClientStore
	uses    Applications
	now     func() time.Time
}

func (h *applicationHandler) operations() []Operation {
	return []Operation{{
		ID: "listApplications", Method: http.MethodGet, Path: "/applications", Scope: apikey.ClientsRead,
		Summary: "List clients by name, with their last use and the rejected requests of the last week.",
		Query: append([]Parameter{
			{Name: "search", Type: "string", Description: "List only clients whose name begins with this text, in any case."},
			{Name: "only", Type: "string", Description: "List only the clients of this selection: never_used, failing (with rejected requests) or registered (by dynamic registration). A page may have fewer entries than others."},
			{Name: "order", Type: "string", Description: "The order of names: asc (default) or desc."},
		}, pageParameters()...),
		Responses: map[int]any{http.StatusOK: []applicationView{}}, Do: h.list,
	}, {
		ID: "getOAuth2ClientUsage", Method: http.MethodGet, Path: "/clients/{id}/usage", Scope: apikey.ClientsRead,
		Summary:   "Get when a client was last used, and its rejected requests of the last week by rule.",
		Responses: map[int]any{http.StatusOK: usageView{}}, Do: h.usage,
	}}
}

// applicationView is a client in a list, with the names of RFC 7591.
type applicationView struct {
	ID              string     `json:"client_id"`
	Name            string     `json:"client_name"`
	ApplicationType string     `json:"application_type"`
	AuthMethod      string     `json:"token_endpoint_auth_method"`
	GrantTypes      []string   `json:"grant_types"`
	ServedResources []string   `json:"served_resources,omitempty"`
	AllowedGroups   []string   `json:"allowed_groups"`
	SelfRegistered  bool       `json:"self_registered"`
	Disabled        bool       `json:"disabled"`
	CreatedAt       time.Time  `json:"created_at"`
	LastUsedAt      *time.Time `json:"last_used_at,omitempty" doc:"absent if it was not used in the last 400 days"`
	Refused         int        `json:"refused"          doc:"rejected requests of the last week, at most 100"`
	RefusedMore     bool       `json:"refused_more"     doc:"there were more"`
	LastRefused     string     `json:"last_refused,omitempty" doc:"the request id of the latest one"`
	Position        string     `json:"position"         doc:"a page_token that starts the list after this entry, in either order"`
}

// usageView is the use of a client.
type usageView struct {
	LastUsedAt *time.Time    `json:"last_used_at,omitempty" doc:"absent if it was not used in the last 400 days"`
	Refused    []refusedView `json:"refused"      doc:"rejected requests of the last week, among the latest 1000"`
}

// refusedView counts the rejected requests of a rule.
type refusedView struct {
	Rule        string    `json:"rule"`
	Count       int       `json:"count"`
	LastRequest string    `json:"last_request_id"`
	LastAt      time.Time `json:"last_at"`
}

// positionSeparator separates the name and the ID in a position; neither has one.
const positionSeparator = "\n"

// list serves GET /applications.
func (h *applicationHandler) list(r *Request) (*Response, error) {
	p, err := pageFrom(r, "search", "only")
	if err != nil {
		return nil, err
	}
	query := r.query()
	q := client.Listing{
		Prefix: strings.TrimSpace(query.Get("search")), Only: client.Selection(query.Get("only")),
		Since: h.now().Add(-client.RefusedWithin), Limit: p.Size, Descending: query.Get("order") == "desc",
	}
	if q.Only != client.SelectAll && !slices.Contains(client.Selections(), q.Only) {
		return nil, invalid("The parameter only must be never_used, failing or registered.")
	}
	if order := query.Get("order"); order != "" && order != "asc" && order != "desc" {
		return nil, invalid("The parameter order must be asc or desc.")
	}
	q.After.Name, q.After.ID, _ = strings.Cut(p.After, positionSeparator)
	list, next, err := h.uses.ListedClients(r.Context(), q)
	if err != nil {
		return nil, err
	}
	views := make([]applicationView, len(list))
	for i, one := range list {
		views[i] = viewApplication(one)
		views[i].Position = p.token(one.Position.Name + positionSeparator + one.Position.ID)
	}
	p.link("first", "")
	if next != (client.Position{}) {
		p.link("next", p.token(next.Name+positionSeparator+next.ID))
	}
	return ok(views), nil
}

func viewApplication(one *client.Listed) applicationView {
	c := one.Client
	return applicationView{
		ID: c.ID, Name: c.ClientName, ApplicationType: c.ApplicationType, AuthMethod: c.TokenEndpointAuthMethod,
		GrantTypes: full(c.GrantTypes), ServedResources: c.ServedResources, AllowedGroups: full(c.AllowedGroups),
		SelfRegistered: c.Dynamic, Disabled: c.Disabled, CreatedAt: c.CreatedAt.UTC(), LastUsedAt: timeOrNone(one.UsedAt),
		Refused: one.Refusals.Count, RefusedMore: one.Refusals.More, LastRefused: one.Refusals.LastRequest,
	}
}

// timeOrNone returns nil for the zero time.
func timeOrNone(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	at = at.UTC()
	return &at
}

// usage serves GET /clients/{id}/usage.
func (h *applicationHandler) usage(r *Request) (*Response, error) {
	c, err := h.clients.Client(r.Context(), r.pathValue("id"))
	if err != nil {
		return nil, err
	}
	uses, err := h.uses.ClientUses(r.Context(), c.ID)
	if err != nil {
		return nil, err
	}
	refused, err := h.uses.ClientRefusals(r.Context(), c.ID, h.now().Add(-client.RefusedWithin))
	if err != nil {
		return nil, err
	}
	view := usageView{LastUsedAt: timeOrNone(uses[""]), Refused: make([]refusedView, len(refused))}
	for i, one := range refused {
		view.Refused[i] = refusedView{one.Rule, one.Count, one.LastRequest, one.LastAt.UTC()}
	}
	return ok(view), nil
}
