package admin

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/manage"
)

// Clients finds clients.
type Clients interface {
	// Client returns client.ErrNotFound for an unknown ID.
	Client(ctx context.Context, id string) (*client.Client, error)
}

// ClientStore reads, lists and changes clients, without a cache.
type ClientStore interface {
	manage.ClientStore
	DeleteClient(ctx context.Context, id string) error
	// EndClientTokens revokes the grants of a client and its tokens issued until now.
	EndClientTokens(ctx context.Context, id string, now time.Time) error
	FindClients(ctx context.Context, f client.Filter, after string, skip, limit int) ([]*client.Client, error)
	CountClients(ctx context.Context, f client.Filter) (int, error)
	// ClientsOfGroup returns the clients that only members of some groups may use, the group among them.
	ClientsOfGroup(ctx context.Context, group string) ([]*client.Client, error)
}

// clientHandler serves the operations on clients.
type clientHandler struct {
	store           ClientStore
	policy          client.Policy
	documents       client.Documents
	secrets         client.SecretStore
	rotatedLifetime time.Duration
	access          *access
	now             func() time.Time
	log             *slog.Logger
}

// clientBody describes the body of requests that create or replace a client for the OpenAPI
// document. Requests are parsed member by member.
type clientBody struct {
	client.Metadata

	ID     string `json:"client_id"     doc:"by default generated"`
	Secret string `json:"client_secret" doc:"by default generated, if the client needs one"`

	Localized struct{} `json:"-"`
}

func (clientBody) schemaName() string { return "clientSaid" }

func (h *clientHandler) operations() []Operation {
	const path, one = "/clients", "/clients/{id}"
	response := map[int]any{http.StatusOK: clientView{}}
	return []Operation{{
		ID: "listOAuth2Clients", Method: http.MethodGet, Path: path, Scope: apikey.ClientsRead, Summary: "List clients, ordered by ID.",
		Query: append([]Parameter{
			{Name: "client_name", Type: "string", Description: "List only clients with this name."},
			{Name: "owner", Type: "string", Description: "List only clients of this owner."},
		}, offsetParameters()...),
		Responses: map[int]any{http.StatusOK: []clientView{}}, Do: h.list,
	}, {
		ID: "createOAuth2Client", Method: http.MethodPost, Path: path, Scope: apikey.ClientsWrite, Action: "client.create",
		Summary: "Create a client. Only this response contains the client secret.",
		Body:    clientBody{}, Responses: map[int]any{http.StatusCreated: clientView{}}, Do: h.create,
	}, {
		ID: "getOAuth2Client", Method: http.MethodGet, Path: one, Scope: apikey.ClientsRead, Summary: "Get a client.",
		Responses: response, Do: h.get,
	}, {
		ID: "setOAuth2Client", Method: http.MethodPut, Path: one, Scope: apikey.ClientsWrite, Action: "client.update",
		Summary: "Replace the metadata of a client. The secret is kept unless the request contains one.",
		Body:    clientBody{}, Responses: response, Do: h.set,
	}, {
		ID: "patchOAuth2Client", Method: http.MethodPatch, Path: one, Scope: apikey.ClientsWrite, Action: "client.update",
		Summary: "Change a client by JSON Patch (RFC 6902).",
		Body:    []patchStep{}, Patch: "application/json-patch+json", Responses: response, Do: h.patch,
	}, {
		ID: "deleteOAuth2Client", Method: http.MethodDelete, Path: one, Scope: apikey.ClientsWrite, Action: "client.delete",
		Summary:   "Delete a client, and revoke its grants and tokens.",
		Responses: map[int]any{http.StatusNoContent: nil}, Do: h.delete,
	}, {
		ID: "setOAuth2ClientLifespans", Method: http.MethodPut, Path: one + "/lifespans", Scope: apikey.ClientsWrite, Action: "client.lifespans",
		Summary: "Replace the token lifespans of a client.",
		Body:    client.Lifespans{}, Responses: response, Do: h.setLifespans,
	}, {
		ID: "rotateOAuth2ClientSecret", Method: http.MethodPost, Path: one + "/secrets/rotate", Scope: apikey.ClientsWrite, Action: "client.secret.rotate",
		Summary:   "Rotate the client secret; only this response contains it. The previous secret stays valid for a while; registration access tokens are revoked.",
		Query:     []Parameter{{Name: oldSecretLifetime, Type: "string", Description: "How long the previous secret stays valid, such as 90m or 0s, at most 8760h; by default the setting rotated_secret_lifetime."}},
		Responses: response, Do: h.rotateSecret,
	}, {
		ID: "deleteRotatedOAuth2ClientSecrets", Method: http.MethodDelete, Path: one + "/secrets/rotate", Scope: apikey.ClientsWrite,
		Action: "client.secret.clear", Summary: "Revoke the rotated secrets of a client.",
		Responses: response, Do: h.clearSecrets,
	}}
}

// list serves GET /clients.
func (h *clientHandler) list(r *Request) (*Response, error) {
	query := r.query()
	filter := client.Filter{Name: query.Get("client_name"), Owner: query.Get("owner")}
	p, err := pageFrom(r, "client_name", "owner")
	if err != nil {
		return nil, err
	}
	skip, err := p.offset()
	if err != nil {
		return nil, err
	}
	total, err := h.store.CountClients(r.Context(), filter)
	if err != nil {
		return nil, err
	}
	list, err := h.store.FindClients(r.Context(), filter, p.After, skip, p.Size)
	if err != nil {
		return nil, err
	}
	views, last := make([]*clientView, len(list)), ""
	for i, one := range list {
		views[i], last = viewClient(one), one.ID
	}
	p.linkOffsets(total, skip, len(list), last)
	return ok(views), nil
}

// get serves GET /clients/{id}.
func (h *clientHandler) get(r *Request) (*Response, error) {
	c, err := h.store.Client(r.Context(), r.pathValue("id"))
	if err != nil {
		return nil, err
	}
	return ok(viewClient(c)), nil
}

// delete serves DELETE /clients/{id}.
func (h *clientHandler) delete(r *Request) (*Response, error) {
	if err := h.store.DeleteClient(r.Context(), r.pathValue("id")); err != nil {
		return nil, err
	}
	return noContent(), nil
}
