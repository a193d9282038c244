package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/scope"
)

// Scopes stores scopes.
type Scopes interface {
	manage.ScopeStore
	// ListScopes returns the stored scopes. A standard scope is stored only if it was changed.
	ListScopes(ctx context.Context) ([]*scope.Scope, error)
	// DeleteScope returns scope.ErrNotFound or scope.ErrStandard.
	DeleteScope(ctx context.Context, name string) error
}

// scopeHandler serves the operations on scopes.
type scopeHandler struct {
	store Scopes
	now   func() time.Time
}

const scopesPath = "/scopes"

func (h *scopeHandler) operations() []Operation {
	const one = scopesPath + "/{name}"
	return []Operation{{
		ID: "listScopes", Method: http.MethodGet, Path: scopesPath, Scope: apikey.ScopesRead,
		Summary: "List scopes, ordered by name.", Query: pageParameters(),
		Responses: map[int]any{http.StatusOK: []scopeView{}},
		Do:        h.list,
	}, {
		ID: "createScope", Method: http.MethodPost, Path: scopesPath, Scope: apikey.ScopesWrite,
		Summary: "Create a scope: its text on the consent page, the claims that it releases, and whether self-registered clients may have it.",
		Body:    scopeView{}, Responses: map[int]any{http.StatusCreated: scopeView{}}, Action: "scope.create",
		Do: h.create,
	}, {
		ID: "getScope", Method: http.MethodGet, Path: one, Scope: apikey.ScopesRead,
		Summary: "Get a scope.", Responses: map[int]any{http.StatusOK: scopeView{}},
		Do: h.get,
	}, {
		ID: "setScope", Method: http.MethodPut, Path: one, Scope: apikey.ScopesWrite,
		Summary: "Replace a scope. The ETag of the scope in If-Match makes the change conditional. A scope of OpenID Connect Core always releases its standard claims at userinfo.",
		Body:    scopeView{}, Responses: map[int]any{http.StatusOK: scopeView{}}, Action: "scope.update",
		Do: h.set,
	}, {
		ID: "deleteScope", Method: http.MethodDelete, Path: one, Scope: apikey.ScopesWrite,
		Summary:   "Delete a scope. Clients keep the scope, but it releases no claims. Scopes of OpenID Connect Core cannot be deleted.",
		Responses: map[int]any{http.StatusNoContent: nil}, Action: "scope.delete",
		Do: h.delete,
	}}
}

// scopeView is a scope in requests and responses.
type scopeView struct {
	Name             string                         `json:"name" doc:"as clients request it (RFC 6749 section 3.3)"`
	Title            string                         `json:"title" doc:"shown on the consent page; by default the name, or a built-in text"`
	Description      string                         `json:"description"`
	Claims           map[string][]scope.Destination `json:"claims" doc:"the claims that the scope releases, each with its destinations: id_token, userinfo, access_token, introspection"`
	SelfRegistration bool                           `json:"self_registration" doc:"whether clients that register themselves may have the scope"`
}

func viewScope(s *scope.Scope) *scopeView {
	v := &scopeView{s.Name, s.Title, s.Description, s.Claims, s.SelfRegistration}
	if v.Claims == nil {
		v.Claims = map[string][]scope.Destination{}
	}
	return v
}

// parse returns the scope in the body. A name that is not empty is that in the path, which the
// body may repeat.
func (h *scopeHandler) parse(r *Request, name string) (*scope.Scope, error) {
	var body scopeView
	if err := r.decode(&body); err != nil {
		return nil, err
	}
	name, err := nameInPath(name, body.Name)
	if err != nil {
		return nil, err
	}
	return &scope.Scope{
		Name: name, Title: body.Title, Description: body.Description, Claims: body.Claims, SelfRegistration: body.SelfRegistration,
		CreatedAt: h.now(),
	}, nil
}

func (h *scopeHandler) manage() *manage.Scopes { return &manage.Scopes{Store: h.store, Now: h.now} }

// all reads all scopes from the database.
func (h *scopeHandler) all(ctx context.Context) (*scope.Set, error) {
	records, err := h.store.ListScopes(ctx)
	if err != nil {
		return nil, err
	}
	return scope.NewSet(records, nil, nil), nil
}

// list serves GET /scopes.
func (h *scopeHandler) list(r *Request) (*Response, error) {
	p, err := pageFrom(r)
	if err != nil {
		return nil, err
	}
	scopes, err := h.all(r.Context())
	if err != nil {
		return nil, err
	}
	return pageOf(p, scopes.All(), func(s *scope.Scope) string { return s.Name }, viewScope), nil
}

// create serves POST /scopes.
func (h *scopeHandler) create(r *Request) (*Response, error) {
	s, err := h.parse(r, "")
	if err != nil {
		return nil, err
	}
	r.Target = s.Name
	if err := h.manage().Create(r.Context(), s); err != nil {
		return nil, err
	}
	return r.created(s.Name, viewScope(s)), nil
}

// get serves GET /scopes/{name}.
func (h *scopeHandler) get(r *Request) (*Response, error) {
	scopes, err := h.all(r.Context())
	if err != nil {
		return nil, err
	}
	s := scopes.Get(r.pathValue("name"))
	if s == nil {
		return nil, scope.ErrNotFound
	}
	return r.tagged(manage.Version(s.UpdatedAt), viewScope(s)), nil
}

// set serves PUT /scopes/{name}.
func (h *scopeHandler) set(r *Request) (*Response, error) {
	s, err := h.parse(r, r.pathValue("name"))
	if err != nil {
		return nil, err
	}
	scopes := h.manage()
	if scopes.Precondition, err = r.precondition(); err != nil {
		return nil, err
	}
	if err := scopes.Update(r.Context(), s); err != nil {
		return nil, err
	}
	return ok(viewScope(s)), nil
}

// delete serves DELETE /scopes/{name}.
func (h *scopeHandler) delete(r *Request) (*Response, error) {
	if err := h.store.DeleteScope(r.Context(), r.pathValue("name")); err != nil {
		return nil, err
	}
	return noContent(), nil
}
