package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/scope"
)

// Attributes stores the attributes that accounts may have.
type Attributes interface {
	manage.AttributeStore
	// DeleteAttribute returns account.ErrAttributeNotFound for an unknown name.
	DeleteAttribute(ctx context.Context, name string) error
	// CountUsers returns the number of accounts that have a value of the attribute, at most atMost.
	CountUsers(ctx context.Context, name string, atMost int) (int, error)
}

// attributeHandler serves the operations on the attributes that accounts may have.
type attributeHandler struct {
	store Attributes
	now   func() time.Time
}

func (h *attributeHandler) operations() []Operation {
	const one = "/attributes/{name}"
	return []Operation{{
		ID: "listAttributes", Method: http.MethodGet, Path: "/attributes", Scope: apikey.UsersRead,
		Summary: "List the attributes that users may have, ordered by name.", Query: pageParameters(),
		Responses: map[int]any{http.StatusOK: []attributeView{}}, Do: h.list,
	}, {
		ID: "createAttribute", Method: http.MethodPost, Path: "/attributes", Scope: apikey.UsersWrite, Action: "attribute.create",
		Summary: "Create an attribute that users may have.", Body: attributeBody{}, Responses: map[int]any{http.StatusCreated: attributeView{}}, Do: h.create,
	}, {
		ID: "getAttribute", Method: http.MethodGet, Path: one, Scope: apikey.UsersRead,
		Summary: "Get an attribute.", Responses: map[int]any{http.StatusOK: countedAttribute{}}, Do: h.get,
	}, {
		ID: "setAttribute", Method: http.MethodPut, Path: one, Scope: apikey.UsersWrite, Action: "attribute.update",
		Summary: "Replace the definition of an attribute, except its type. The ETag of the attribute in If-Match makes the change conditional.", Body: attributeBody{}, Responses: map[int]any{http.StatusOK: attributeView{}}, Do: h.set,
	}, {
		ID: "deleteAttribute", Method: http.MethodDelete, Path: one, Scope: apikey.UsersWrite, Action: "attribute.delete",
		Summary: "Delete an attribute. No scope releases the values of users any longer.", Responses: map[int]any{http.StatusNoContent: nil}, Do: h.delete,
	}}
}

// attributeBody is an attribute in requests.
type attributeBody struct {
	Name       string          `json:"name" doc:"1 to 64 letters, digits, dots, dashes and underscores; in a PUT the name in the path"`
	Type       string          `json:"type" need:"yes" doc:"string, number, boolean or list (of strings)"`
	Title      string          `json:"title" doc:"the label on the account pages; by default the name"`
	Required   bool            `json:"required" doc:"whether it must be present when a user or administrator that may change it changes attributes"`
	VisibleTo  []account.Party `json:"visible_to" doc:"the parties that may see it: user, administrator or both; by default administrators; the editors always may"`
	EditableBy []account.Party `json:"editable_by" doc:"the parties that may change it: user, administrator or both; by default administrators"`
	Scope      string          `json:"scope" doc:"the scope that releases it in ID tokens and at userinfo; empty for none"`
	Claim      string          `json:"claim" doc:"the claim with which it is released; by default the name"`
}

// attributeView is an attribute as the API returns it.
type attributeView struct {
	Name       string          `json:"name"`
	Type       string          `json:"type" doc:"string, number, boolean or list"`
	Title      string          `json:"title,omitempty"`
	Required   bool            `json:"required"`
	VisibleTo  []account.Party `json:"visible_to" doc:"the parties that may see it: user, administrator or both"`
	EditableBy []account.Party `json:"editable_by" doc:"the parties that may change it: user, administrator or both"`
	Scope      string          `json:"scope,omitempty"`
	Claim      string          `json:"claim,omitempty"`
	CreatedAt  time.Time       `json:"created_at"`
	UpdatedAt  time.Time       `json:"updated_at"`
}

// countedAttribute is an attribute with the number of users who have a value of it.
type countedAttribute struct {
	*attributeView

	Users int `json:"users" doc:"the number of users who have a value, at most 10000"`
}

func viewAttribute(a *account.Attribute) *attributeView {
	v := &attributeView{
		Name: a.Name, Type: string(a.Type), Title: a.Title, Required: a.Required, VisibleTo: a.Viewers(), EditableBy: a.Editors(), Scope: a.Scope,
		CreatedAt: a.CreatedAt.UTC(), UpdatedAt: a.UpdatedAt.UTC(),
	}
	if a.Scope != "" {
		v.Claim = scope.ClaimOf(a)
	}
	return v
}

func (h *attributeHandler) manage() *manage.Attributes {
	return &manage.Attributes{Store: h.store, Now: h.now}
}

// parse returns the attribute in the body. A name that is not empty is that in the path.
func (h *attributeHandler) parse(r *Request, name string) (*account.Attribute, error) {
	var body attributeBody
	if err := r.decode(&body); err != nil {
		return nil, err
	}
	name, err := nameInPath(name, body.Name)
	if err != nil {
		return nil, err
	}
	return &account.Attribute{Name: name, AttributeDefinition: account.AttributeDefinition{
		Type: account.AttributeType(body.Type), Title: body.Title, Required: body.Required,
		VisibleTo: body.VisibleTo, EditableBy: body.EditableBy, Scope: body.Scope, Claim: body.Claim,
	}}, nil
}

// list serves GET /attributes.
func (h *attributeHandler) list(r *Request) (*Response, error) {
	p, err := pageFrom(r)
	if err != nil {
		return nil, err
	}
	all, err := h.store.ListAttributes(r.Context())
	if err != nil {
		return nil, err
	}
	return pageOf(p, all, func(a *account.Attribute) string { return a.Name }, viewAttribute), nil
}

// create serves POST /attributes.
func (h *attributeHandler) create(r *Request) (*Response, error) {
	a, err := h.parse(r, "")
	if err != nil {
		return nil, err
	}
	r.Target = a.Name
	if err := h.manage().Create(r.Context(), a); err != nil {
		return nil, err
	}
	return r.created(a.Name, viewAttribute(a)), nil
}

// get serves GET /attributes/{name}.
func (h *attributeHandler) get(r *Request) (*Response, error) {
	a, err := h.manage().Get(r.Context(), r.pathValue("name"))
	if err != nil {
		return nil, err
	}
	count, err := h.store.CountUsers(r.Context(), a.Name, maxUsersCounted)
	if err != nil {
		return nil, err
	}
	return r.tagged(manage.Version(a.UpdatedAt), countedAttribute{viewAttribute(a), count}), nil
}

// set serves PUT /attributes/{name}.
func (h *attributeHandler) set(r *Request) (*Response, error) {
	a, err := h.parse(r, r.pathValue("name"))
	if err != nil {
		return nil, err
	}
	attributes := h.manage()
	if attributes.Precondition, err = r.precondition(); err != nil {
		return nil, err
	}
	if err := attributes.Update(r.Context(), a); err != nil {
		return nil, err
	}
	return ok(viewAttribute(a)), nil
}

// delete serves DELETE /attributes/{name}.
func (h *attributeHandler) delete(r *Request) (*Response, error) {
	if err := h.store.DeleteAttribute(r.Context(), r.pathValue("name")); err != nil {
		return nil, err
	}
	return noContent(), nil
}
