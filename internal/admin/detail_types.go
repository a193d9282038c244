package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/manage"
)

// DetailTypes stores the types of authorization details.
type DetailTypes interface {
	manage.DetailTypeStore
	// DeleteDetailType returns detail.ErrNotFound for an unknown name.
	DeleteDetailType(ctx context.Context, name string) error
}

// detailTypeHandler serves the operations on the types of authorization details.
type detailTypeHandler struct {
	store DetailTypes
	now   func() time.Time
}

const detailTypesPath = "/authorization-details-types"

func (h *detailTypeHandler) operations() []Operation {
	const one = detailTypesPath + "/{name}"
	return []Operation{{
		ID: "listAuthorizationDetailsTypes", Method: http.MethodGet, Path: detailTypesPath, Scope: apikey.ScopesRead,
		Summary: "List the types of authorization details (RFC 9396), ordered by name.", Query: pageParameters(),
		Responses: map[int]any{http.StatusOK: []detailTypeView{}}, Do: h.list,
	}, {
		ID: "createAuthorizationDetailsType", Method: http.MethodPost, Path: detailTypesPath, Scope: apikey.ScopesWrite, Action: "detail-type.create",
		Summary: "Create a type of authorization details: its JSON schema, and the words of the consent page.",
		Body:    detailTypeBody{}, Responses: map[int]any{http.StatusCreated: detailTypeView{}}, Do: h.create,
	}, {
		ID: "getAuthorizationDetailsType", Method: http.MethodGet, Path: one, Scope: apikey.ScopesRead,
		Summary: "Get a type of authorization details.", Responses: map[int]any{http.StatusOK: detailTypeView{}}, Do: h.get,
	}, {
		ID: "setAuthorizationDetailsType", Method: http.MethodPut, Path: one, Scope: apikey.ScopesWrite, Action: "detail-type.update",
		Summary: "Replace a type of authorization details. The ETag of the type in If-Match makes the change conditional.",
		Body:    detailTypeBody{}, Responses: map[int]any{http.StatusOK: detailTypeView{}}, Do: h.set,
	}, {
		ID: "deleteAuthorizationDetailsType", Method: http.MethodDelete, Path: one, Scope: apikey.ScopesWrite, Action: "detail-type.delete",
		Summary:   "Delete a type of authorization details. No further token has details of the type.",
		Responses: map[int]any{http.StatusNoContent: nil}, Do: h.delete,
	}}
}

// detailTypeBody is a type in requests.
type detailTypeBody struct {
	Name string `json:"name" doc:"the value of type in the details; in a PUT the name in the path"`
	detail.Definition
}

// detailTypeView is a type as the API returns it.
type detailTypeView struct {
	Name string `json:"name"`
	detail.Definition

	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

func viewDetailType(t *detail.Type) *detailTypeView {
	return &detailTypeView{t.Name, t.Definition, t.CreatedAt, t.UpdatedAt}
}

// parse returns the type in the body. A name that is not empty is that in the path, which the body may
// repeat.
func (h *detailTypeHandler) parse(r *Request, name string) (*detail.Type, error) {
	var body detailTypeBody
	if err := r.decode(&body); err != nil {
		return nil, err
	}
	name, err := nameInPath(name, body.Name)
	return &detail.Type{Name: name, Definition: body.Definition}, err
}

func (h *detailTypeHandler) manage() *manage.DetailTypes {
	return &manage.DetailTypes{Store: h.store, Now: h.now}
}

// list serves GET /authorization-details-types.
func (h *detailTypeHandler) list(r *Request) (*Response, error) {
	p, err := pageFrom(r)
	if err != nil {
		return nil, err
	}
	types, err := h.store.ListDetailTypes(r.Context())
	if err != nil {
		return nil, err
	}
	return pageOf(p, types, func(t *detail.Type) string { return t.Name }, viewDetailType), nil
}

// create serves POST /authorization-details-types.
func (h *detailTypeHandler) create(r *Request) (*Response, error) {
	t, err := h.parse(r, "")
	if err != nil {
		return nil, err
	}
	r.Target = t.Name
	if err := h.manage().Create(r.Context(), t); err != nil {
		return nil, err
	}
	return r.created(t.Name, viewDetailType(t)), nil
}

// get serves GET /authorization-details-types/{name}.
func (h *detailTypeHandler) get(r *Request) (*Response, error) {
	t, err := h.manage().Get(r.Context(), r.pathValue("name"))
	if err != nil {
		return nil, err
	}
	return r.tagged(manage.Version(t.UpdatedAt), viewDetailType(t)), nil
}

// set serves PUT /authorization-details-types/{name}.
func (h *detailTypeHandler) set(r *Request) (*Response, error) {
	t, err := h.parse(r, r.pathValue("name"))
	if err != nil {
		return nil, err
	}
	types := h.manage()
	if types.Precondition, err = r.precondition(); err != nil {
		return nil, err
	}
	if err := types.Update(r.Context(), t); err != nil {
		return nil, err
	}
	stored, err := types.Get(r.Context(), t.Name)
	if err != nil {
		return nil, err
	}
	return ok(viewDetailType(stored)), nil
}

// delete serves DELETE /authorization-details-types/{name}.
func (h *detailTypeHandler) delete(r *Request) (*Response, error) {
	if err := h.store.DeleteDetailType(r.Context(), r.pathValue("name")); err != nil {
		return nil, err
	}
	return noContent(), nil
}
