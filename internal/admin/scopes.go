package admin

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/scope"
)

// Scopes keeps the records of scopes.
type Scopes interface {
	// Scopes returns the records; a standard scope has one only where it was changed.
	ListScopes(ctx context.Context) ([]*scope.Scope, error)
	// InsertScope returns scope.ErrExists for a name that is taken.
	InsertScope(ctx context.Context, s *scope.Scope) error
	// UpdateScope returns scope.ErrNotFound for a scope without a record.
	UpdateScope(ctx context.Context, s *scope.Scope) error
	// DeleteScope returns scope.ErrNotFound or scope.ErrStandard.
	DeleteScope(ctx context.Context, name string) error
}

const scopesPath = "/scopes"

func (h *Handler) scopeOperations() []Operation {
	const one = scopesPath + "/{name}"
	return []Operation{{
		ID: "listScopes", Method: http.MethodGet, Path: scopesPath, Scope: apikey.ScopesRead,
		Summary: "List the scopes that have a record, by name.", Query: pageParameters(),
		Answers: map[int]any{http.StatusOK: []scopeView{}},
		Do:      h.listScopes,
	}, {
		ID: "createScope", Method: http.MethodPost, Path: scopesPath, Scope: apikey.ScopesWrite,
		Summary: "Declare a scope: words for the consent page, the claims that it releases and where, and who may have it.",
		Body:    scopeView{}, Answers: map[int]any{http.StatusCreated: scopeView{}}, Action: "scope.create",
		Do: h.createScope,
	}, {
		ID: "getScope", Method: http.MethodGet, Path: one, Scope: apikey.ScopesRead,
		Summary: "Get a scope.", Answers: map[int]any{http.StatusOK: scopeView{}},
		Do: h.getScope,
	}, {
		ID: "setScope", Method: http.MethodPut, Path: one, Scope: apikey.ScopesWrite,
		Summary: "Replace the record of a scope. A scope of OpenID Connect Core keeps its own claims at userinfo.",
		Body:    scopeView{}, Answers: map[int]any{http.StatusOK: scopeView{}}, Action: "scope.update",
		Do: h.setScope,
	}, {
		ID: "deleteScope", Method: http.MethodDelete, Path: one, Scope: apikey.ScopesWrite,
		Summary: "Delete the record of a scope. Clients keep the scope, and it releases no claims. Those of OpenID Connect Core cannot be deleted.",
		Answers: map[int]any{http.StatusNoContent: nil}, Action: "scope.delete",
		Do: h.deleteScope,
	}}
}

// scopeView is a scope as the API reads and writes it.
type scopeView struct {
	Name             string                         `json:"name" doc:"as clients request it (RFC 6749 section 3.3)"`
	Title            string                         `json:"title" doc:"for the consent page; empty is the name, or the built-in words"`
	Description      string                         `json:"description"`
	Claims           map[string][]scope.Destination `json:"claims" doc:"the claims that it releases, each with its places: id_token, userinfo, access_token, introspection"`
	SelfRegistration bool                           `json:"self_registration" doc:"whether clients that register themselves may have it"`
}

func viewScope(s *scope.Scope) *scopeView {
	v := &scopeView{s.Name, s.Title, s.Description, s.Claims, s.SelfRegistration}
	if v.Claims == nil {
		v.Claims = map[string][]scope.Destination{}
	}
	return v
}

// readScope reads the record that a caller sends. The name is that of the path, if there is
// one there.
func (h *Handler) readScope(c *Call, name string) (*scope.Scope, error) {
	var body scopeView
	if err := read(c.Request, &body); err != nil {
		return nil, err
	}
	if name == "" {
		name = body.Name
	}
	if body.Name != "" && body.Name != name {
		return nil, invalid("The member name must be that of the path.")
	}
	return &scope.Scope{
		Name: name, Title: body.Title, Description: body.Description, Claims: body.Claims, SelfRegistration: body.SelfRegistration,
		CreatedAt: h.Now(),
	}, nil
}

func (h *Handler) manageScopes() *manage.Scopes { return &manage.Scopes{Store: h.Scopes, Now: h.Now} }

// scopes returns all scopes as they are in the database.
func (h *Handler) scopes(ctx context.Context) (*scope.Set, error) {
	records, err := h.Scopes.ListScopes(ctx)
	if err != nil {
		return nil, err
	}
	return scope.NewSet(records, nil, nil), nil
}

// listScopes serves GET /scopes.
func (h *Handler) listScopes(c *Call) (*Reply, error) {
	p, err := pageOf(c)
	if err != nil {
		return nil, err
	}
	known, err := h.scopes(c.Context())
	if err != nil {
		return nil, err
	}
	views, last := []*scopeView{}, ""
	for _, s := range known.All() {
		if s.Name > p.After && len(views) < p.Size {
			views, last = append(views, viewScope(s)), s.Name
		}
	}
	p.follow(len(views), last)
	return ok(views), nil
}

// createScope serves POST /scopes.
func (h *Handler) createScope(c *Call) (*Reply, error) {
	s, err := h.readScope(c, "")
	if err != nil {
		return nil, err
	}
	c.Target = s.Name
	if err := h.manageScopes().Create(c.Context(), s); err != nil {
		return nil, err
	}
	c.head.Set("Location", strings.TrimSuffix(c.URL.EscapedPath(), "/")+"/"+url.PathEscape(s.Name))
	return &Reply{http.StatusCreated, viewScope(s)}, nil
}

// getScope serves GET /scopes/{name}.
func (h *Handler) getScope(c *Call) (*Reply, error) {
	known, err := h.scopes(c.Context())
	if err != nil {
		return nil, err
	}
	s := known.Get(variable(c.Request, "name"))
	if s == nil {
		return nil, scope.ErrNotFound
	}
	return ok(viewScope(s)), nil
}

// setScope serves PUT /scopes/{name}.
func (h *Handler) setScope(c *Call) (*Reply, error) {
	s, err := h.readScope(c, variable(c.Request, "name"))
	if err != nil {
		return nil, err
	}
	if err := h.manageScopes().Update(c.Context(), s); err != nil {
		return nil, err
	}
	return ok(viewScope(s)), nil
}

// deleteScope serves DELETE /scopes/{name}.
func (h *Handler) deleteScope(c *Call) (*Reply, error) {
	if err := h.Scopes.DeleteScope(c.Context(), variable(c.Request, "name")); err != nil {
		return nil, err
	}
	return done(), nil
}
