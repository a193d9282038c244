package admin

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/apiresource"
	"github.com/ostiary/ostiary/internal/manage"
)

// Resources stores the declared resources.
type Resources interface {
	manage.ResourceStore
	// DeleteResource returns apiresource.ErrNotFound for an unknown identifier.
	DeleteResource(ctx context.Context, identifier string) error
}

// resourceHandler serves the operations on the resources that the operator declares.
type resourceHandler struct {
	store Resources
	now   func() time.Time
}

func (h *resourceHandler) operations() []Operation {
	const all, one = "/resources", "/resources/{identifier}"
	return []Operation{{
		ID: "listResources", Method: http.MethodGet, Path: all, Scope: apikey.ScopesRead,
		Summary: "List the declared resources, ordered by identifier.", Query: pageParameters(),
		Responses: map[int]any{http.StatusOK: []resourceView{}}, Do: h.list,
	}, {
		ID: "createResource", Method: http.MethodPost, Path: all, Scope: apikey.ScopesWrite, Action: "resource.create",
		Summary: "Declare a resource: a service for which clients request access tokens (RFC 8707), and what its tokens are.",
		Body:    resourceView{}, Responses: map[int]any{http.StatusCreated: resourceView{}}, Do: h.create,
	}, {
		ID: "getResource", Method: http.MethodGet, Path: one, Scope: apikey.ScopesRead,
		Summary: "Get a declared resource.", Responses: map[int]any{http.StatusOK: resourceView{}}, Do: h.get,
	}, {
		ID: "setResource", Method: http.MethodPut, Path: one, Scope: apikey.ScopesWrite, Action: "resource.update",
		Summary: "Replace the declaration of a resource. The ETag of the resource in If-Match makes the change conditional. Tokens that were issued before stay as they are.",
		Body:    resourceView{}, Responses: map[int]any{http.StatusOK: resourceView{}}, Do: h.set,
	}, {
		ID: "deleteResource", Method: http.MethodDelete, Path: one, Scope: apikey.ScopesWrite, Action: "resource.delete",
		Summary:   "Delete the declaration of a resource. Only clients whose audience has the identifier may still request it.",
		Responses: map[int]any{http.StatusNoContent: nil}, Do: h.delete,
	}}
}

// resourceView is a resource in requests and responses.
type resourceView struct {
	Identifier              string   `json:"identifier" doc:"an absolute URI without a fragment, the audience of tokens; compared without a slash at its end; in a PUT that in the path"`
	Name                    string   `json:"name" need:"yes" doc:"shown on the consent page"`
	Scopes                  []string `json:"scopes" doc:"the scopes that tokens for the resource may have; empty for all"`
	Format                  string   `json:"access_token_format" doc:"jwt or opaque; empty for that of the client or the server"`
	Alg                     string   `json:"access_token_signing_alg" doc:"the algorithm that signs JWTs: ES256, RS256, PS256 or EdDSA; empty for that of the server"`
	Lifetime                int64    `json:"access_token_lifetime" doc:"of its tokens, in seconds; 0 for that of the client or the server"`
	RequireSenderConstraint bool     `json:"require_sender_constraint" doc:"whether its tokens must be bound to a key or certificate of the client (RFC 9449, RFC 8705)"`
	SharedTokens            bool     `json:"shared_tokens" doc:"whether one token may be for it and further resources"`
	AllClients              bool     `json:"all_clients" doc:"whether every client may request it, self-registered ones too"`
	Clients                 []string `json:"clients" doc:"the clients that may request it, in addition to clients whose audience has it"`
	IntrospectionClients    []string `json:"introspection_clients" doc:"the clients that may introspect its tokens, in addition to clients whose served_resources have it; they see no token of other resources"`
}

func viewResource(r *apiresource.Resource) *resourceView {
	return &resourceView{
		r.Identifier, r.Name, full(r.Scopes), r.Format, r.Alg, r.Lifetime, r.RequireSenderConstraint, r.SharedTokens,
		r.AllClients, full(r.Clients), full(r.IntrospectionClients),
	}
}

// parse returns the resource in the body. An identifier that is not empty is that in the path, which
// the body may repeat.
func (h *resourceHandler) parse(r *Request, identifier string) (*apiresource.Resource, error) {
	var v resourceView
	if err := r.decode(&v); err != nil {
		return nil, err
	}
	if identifier != "" && v.Identifier != "" && apiresource.Key(v.Identifier) != apiresource.Key(identifier) {
		return nil, invalid("The member identifier must be the same as in the path.")
	}
	return &apiresource.Resource{CreatedAt: h.now(), Definition: apiresource.Definition{
		Identifier: cmp.Or(v.Identifier, identifier), Name: v.Name, Scopes: v.Scopes,
		Format: v.Format, Alg: v.Alg, Lifetime: v.Lifetime, RequireSenderConstraint: v.RequireSenderConstraint, SharedTokens: v.SharedTokens,
		AllClients: v.AllClients, Clients: v.Clients, IntrospectionClients: v.IntrospectionClients,
	}}, nil
}

func (h *resourceHandler) manage() *manage.Resources {
	return &manage.Resources{Store: h.store, Now: h.now}
}

// list serves GET /resources.
func (h *resourceHandler) list(r *Request) (*Response, error) {
	p, err := pageFrom(r)
	if err != nil {
		return nil, err
	}
	all, err := h.store.ListResources(r.Context())
	if err != nil {
		return nil, err
	}
	return pageOf(p, all, func(one *apiresource.Resource) string { return apiresource.Key(one.Identifier) }, viewResource), nil
}

// create serves POST /resources.
func (h *resourceHandler) create(r *Request) (*Response, error) {
	one, err := h.parse(r, "")
	if err != nil {
		return nil, err
	}
	r.Target = one.Identifier
	if err := h.manage().Create(r.Context(), one); err != nil {
		return nil, err
	}
	return r.created(one.Identifier, viewResource(one)), nil
}

// get serves GET /resources/{identifier}.
func (h *resourceHandler) get(r *Request) (*Response, error) {
	one, err := manage.FindResource(r.Context(), h.store, r.pathValue("identifier"))
	if err != nil {
		return nil, err
	}
	return r.tagged(manage.Version(one.UpdatedAt), viewResource(one)), nil
}

// set serves PUT /resources/{identifier}.
func (h *resourceHandler) set(r *Request) (*Response, error) {
	one, err := h.parse(r, r.pathValue("identifier"))
	if err != nil {
		return nil, err
	}
	resources := h.manage()
	if resources.Precondition, err = r.precondition(); err != nil {
		return nil, err
	}
	if err := resources.Update(r.Context(), one); err != nil {
		return nil, err
	}
	return ok(viewResource(one)), nil
}

// delete serves DELETE /resources/{identifier}.
func (h *resourceHandler) delete(r *Request) (*Response, error) {
	if err := h.store.DeleteResource(r.Context(), r.pathValue("identifier")); err != nil {
		return nil, err
	}
	return noContent(), nil
}
