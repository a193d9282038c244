package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/client"
)

// Registry reads clients as they are, and changes them.
type Registry interface {
	Clients
	// InsertClient returns client.ErrExists for an id that is taken.
	InsertClient(ctx context.Context, c *client.Client) error
	// UpdateClient returns client.ErrConflict if somebody else changed the client since
	// it was read.
	UpdateClient(ctx context.Context, c *client.Client) error
	DeleteClient(ctx context.Context, id string) error
	// EndClientTokens ends all that was given to a client until now.
	EndClientTokens(ctx context.Context, id string, now time.Time) error
	FindClients(ctx context.Context, f client.Filter, after string, skip, limit int) ([]*client.Client, error)
	CountClients(ctx context.Context, f client.Filter) (int, error)
}

// clientSaid is what may be said of a client, for the document: it is read member by
// member.
type clientSaid struct {
	client.Metadata

	ID     string `json:"client_id"     doc:"Chosen by the server where it is absent."`
	Secret string `json:"client_secret" doc:"Chosen by the server where it is absent and needed."`

	Localized struct{} `json:"-"`
}

func (h *Handler) clientOperations() []Operation {
	const path, one = "/clients", "/clients/{id}"
	shown := map[int]any{http.StatusOK: clientView{}}
	return []Operation{{
		ID: "listOAuth2Clients", Method: http.MethodGet, Path: path, Scope: apikey.ClientsRead, Summary: "The clients, by their id.",
		Query: append([]Parameter{
			{Name: "client_name", Type: "string", Meaning: "Only those of this name."},
			{Name: "owner", Type: "string", Meaning: "Only those of this owner."},
		}, listParameters()...),
		Answers: map[int]any{http.StatusOK: []clientView{}}, Do: h.listClients,
	}, {
		ID: "createOAuth2Client", Method: http.MethodPost, Path: path, Scope: apikey.ClientsWrite, Action: "client.create",
		Summary: "Registers a client. What is made for it, its secret above all, is told this once.",
		Body:    clientSaid{}, Answers: map[int]any{http.StatusCreated: clientView{}}, Do: h.createClient,
	}, {
		ID: "getOAuth2Client", Method: http.MethodGet, Path: one, Scope: apikey.ClientsRead, Summary: "A client.",
		Answers: shown, Do: h.getClient,
	}, {
		ID: "setOAuth2Client", Method: http.MethodPut, Path: one, Scope: apikey.ClientsWrite, Action: "client.update",
		Summary: "Replaces all that is said of a client. Its secret stays unless another is given.",
		Body:    clientSaid{}, Answers: shown, Do: h.setClient,
	}, {
		ID: "patchOAuth2Client", Method: http.MethodPatch, Path: one, Scope: apikey.ClientsWrite, Action: "client.update",
		Summary: "Changes a client by JSON Patch (RFC 6902).",
		Body:    []patchStep{}, Patch: true, Answers: shown, Do: h.patchClient,
	}, {
		ID: "deleteOAuth2Client", Method: http.MethodDelete, Path: one, Scope: apikey.ClientsWrite, Action: "client.delete",
		Summary: "Deletes a client. Whatever it was given ends.",
		Answers: map[int]any{http.StatusNoContent: nil}, Do: h.deleteClient,
	}, {
		ID: "setOAuth2ClientLifespans", Method: http.MethodPut, Path: one + "/lifespans", Scope: apikey.ClientsWrite, Action: "client.lifespans",
		Summary: "Replaces the lifespans of what a client is given.",
		Body:    client.Lifespans{}, Answers: shown, Do: h.setLifespans,
	}, {
		ID: "rotateOAuth2ClientSecret", Method: http.MethodPost, Path: one + "/secrets/rotate", Scope: apikey.ClientsWrite, Action: "client.secret.rotate",
		Summary: "Make a new client secret, shown only in this answer. The previous one stays valid for a while; registration access tokens end.",
		Query:   []Parameter{{Name: oldSecretLifetime, Type: "string", Meaning: "How long the previous secret stays valid, as in 90m or 0s, at most 8760h; by default rotated_secret_lifetime."}},
		Answers: shown, Do: h.rotateSecret,
	}, {
		ID: "deleteRotatedOAuth2ClientSecrets", Method: http.MethodDelete, Path: one + "/secrets/rotate", Scope: apikey.ClientsWrite,
		Action: "client.secret.clear", Summary: "Ends the secrets of before.",
		Answers: shown, Do: h.clearSecrets,
	}}
}

// listClients serves GET /clients.
func (h *Handler) listClients(c *Call) (*Reply, error) {
	asked := c.URL.Query()
	filter := client.Filter{Name: asked.Get("client_name"), Owner: asked.Get("owner")}
	p, err := pageOf(c, "client_name", "owner")
	if err != nil {
		return nil, err
	}
	skip, err := p.numbered()
	if err != nil {
		return nil, err
	}
	total, err := h.Registry.CountClients(c.Context(), filter)
	if err != nil {
		return nil, err
	}
	list, err := h.Registry.FindClients(c.Context(), filter, p.After, skip, p.Size)
	if err != nil {
		return nil, err
	}
	views, last := make([]*clientView, len(list)), ""
	for i, one := range list {
		views[i], last = viewClient(one), one.ID
	}
	p.lead(total, skip, len(list), last)
	return ok(views), nil
}

// getClient serves GET /clients/{id}.
func (h *Handler) getClient(c *Call) (*Reply, error) {
	known, err := h.Registry.Client(c.Context(), variable(c.Request, "id"))
	if err != nil {
		return nil, err
	}
	return ok(viewClient(known)), nil
}

// deleteClient serves DELETE /clients/{id}.
func (h *Handler) deleteClient(c *Call) (*Reply, error) {
	if err := h.Registry.DeleteClient(c.Context(), variable(c.Request, "id")); err != nil {
		return nil, err
	}
	return done(), nil
}
