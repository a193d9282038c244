package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/manage"
)

// Groups stores the groups of users.
type Groups interface {
	manage.GroupStore
	// ListGroups returns groups in the order of names that follow the name after.
	ListGroups(ctx context.Context, after string, limit int) ([]*account.Group, error)
	// DeleteGroup returns account.ErrGroupNotFound for an unknown name.
	DeleteGroup(ctx context.Context, name string) error
	// CountMembers returns the number of members, at most atMost.
	CountMembers(ctx context.Context, name string, atMost int) (int, error)
}

// groupHandler serves the operations on groups.
type groupHandler struct {
	store   Groups
	clients ClientStore
	now     func() time.Time
}

func (h *groupHandler) operations() []Operation {
	const one = "/groups/{name}"
	return []Operation{{
		ID: "listGroups", Method: http.MethodGet, Path: "/groups", Scope: apikey.UsersRead,
		Summary: "List groups, ordered by name.", Query: pageParameters(), Responses: map[int]any{http.StatusOK: []groupView{}}, Do: h.list,
	}, {
		ID: "createGroup", Method: http.MethodPost, Path: "/groups", Scope: apikey.UsersWrite, Action: "group.create",
		Summary: "Create a group.", Body: groupBody{}, Responses: map[int]any{http.StatusCreated: groupView{}}, Do: h.create,
	}, {
		ID: "getGroup", Method: http.MethodGet, Path: one, Scope: apikey.UsersRead,
		Summary: "Get a group. GET /users?group= lists its members.", Responses: map[int]any{http.StatusOK: countedGroup{}}, Do: h.get,
	}, {
		ID: "listGroupApplications", Method: http.MethodGet, Path: one + "/applications", Scope: apikey.ClientsRead,
		Summary:   "List the clients that only members of some groups may use, this group among them.",
		Responses: map[int]any{http.StatusOK: []groupApplication{}}, Do: h.applications,
	}, {
		ID: "setGroup", Method: http.MethodPut, Path: one, Scope: apikey.UsersWrite, Action: "group.update",
		Summary: "Replace the description of a group. The ETag of the group in If-Match makes the change conditional.", Body: groupBody{}, Responses: map[int]any{http.StatusOK: groupView{}}, Do: h.set,
	}, {
		ID: "deleteGroup", Method: http.MethodDelete, Path: one, Scope: apikey.UsersWrite, Action: "group.delete",
		Summary: "Delete a group. Its members stay.", Responses: map[int]any{http.StatusNoContent: nil}, Do: h.delete,
	}}
}

type groupBody struct {
	Name        string `json:"name" doc:"1 to 255 bytes; in a PUT the name in the path"`
	Description string `json:"description"`
}

// groupView is a group as the API returns it.
type groupView struct {
	Name        string    `json:"name"`
	Description string    `json:"description"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

// maxUsersCounted is the largest number that counts of users return.
const maxUsersCounted = 10_000

// countedGroup is a group with the number of its members.
type countedGroup struct {
	*groupView

	Members int `json:"members" doc:"the number of members, at most 10000"`
}

// groupApplication is a client that requires the membership of groups.
type groupApplication struct {
	ClientID      string   `json:"client_id"`
	ClientName    string   `json:"client_name,omitempty"`
	AllowedGroups []string `json:"allowed_groups" doc:"a user needs one of them"`
}

func viewGroup(g *account.Group) *groupView {
	return &groupView{g.Name, g.Description, g.CreatedAt.UTC(), g.UpdatedAt.UTC()}
}

func (h *groupHandler) manage() *manage.Groups { return &manage.Groups{Store: h.store, Now: h.now} }

// list serves GET /groups.
func (h *groupHandler) list(r *Request) (*Response, error) {
	p, err := pageFrom(r)
	if err != nil {
		return nil, err
	}
	list, err := h.store.ListGroups(r.Context(), p.After, p.Size)
	if err != nil {
		return nil, err
	}
	views, last := make([]*groupView, len(list)), ""
	for i, g := range list {
		views[i], last = viewGroup(g), g.Name
	}
	p.linkNext(len(list), last)
	return ok(views), nil
}

// create serves POST /groups.
func (h *groupHandler) create(r *Request) (*Response, error) {
	var body groupBody
	if err := r.decode(&body); err != nil {
		return nil, err
	}
	r.Target = body.Name
	g, err := h.manage().Create(r.Context(), body.Name, body.Description)
	if err != nil {
		return nil, err
	}
	return r.created(g.Name, viewGroup(g)), nil
}

// get serves GET /groups/{name}.
func (h *groupHandler) get(r *Request) (*Response, error) {
	g, err := h.manage().Get(r.Context(), r.pathValue("name"))
	if err != nil {
		return nil, err
	}
	count, err := h.store.CountMembers(r.Context(), g.Name, maxUsersCounted)
	if err != nil {
		return nil, err
	}
	return r.tagged(manage.Version(g.UpdatedAt), countedGroup{viewGroup(g), count}), nil
}

// applications serves GET /groups/{name}/applications.
func (h *groupHandler) applications(r *Request) (*Response, error) {
	g, err := h.manage().Get(r.Context(), r.pathValue("name"))
	if err != nil {
		return nil, err
	}
	list, err := h.clients.ClientsOfGroup(r.Context(), g.Name)
	if err != nil {
		return nil, err
	}
	views := make([]groupApplication, len(list))
	for i, c := range list {
		views[i] = groupApplication{c.ID, c.ClientName, c.AllowedGroups}
	}
	return ok(views), nil
}

// set serves PUT /groups/{name}.
func (h *groupHandler) set(r *Request) (*Response, error) {
	var body groupBody
	if err := r.decode(&body); err != nil {
		return nil, err
	}
	name, err := nameInPath(r.pathValue("name"), body.Name)
	if err != nil {
		return nil, err
	}
	groups := h.manage()
	if groups.Precondition, err = r.precondition(); err != nil {
		return nil, err
	}
	g, err := groups.Describe(r.Context(), name, body.Description)
	if err != nil {
		return nil, err
	}
	return ok(viewGroup(g)), nil
}

// delete serves DELETE /groups/{name}.
func (h *groupHandler) delete(r *Request) (*Response, error) {
	if err := h.store.DeleteGroup(r.Context(), r.pathValue("name")); err != nil {
		return nil, err
	}
	return noContent(), nil
}
