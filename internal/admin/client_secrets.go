package admin

import (
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/client"
)

// clientSecretHandler serves the operations on the secrets of a client.
type clientSecretHandler struct {
	*clientHandler

	uses Applications
}

func (h *clientSecretHandler) operations() []Operation {
	const path = "/clients/{id}/secrets"
	return []Operation{{
		ID: "listOAuth2ClientSecrets", Method: http.MethodGet, Path: path, Scope: apikey.ClientsRead,
		Summary:   "List the valid secrets of a client, the latest first, without the secrets themselves.",
		Responses: map[int]any{http.StatusOK: []secretView{}}, Do: h.listSecrets,
	}, {
		ID: "addOAuth2ClientSecret", Method: http.MethodPost, Path: path, Scope: apikey.ClientsWrite, Action: "client.secret.add",
		Summary:   "Add a generated secret to a client, which has at most 5; only this response contains it. The others stay valid.",
		Responses: map[int]any{http.StatusOK: clientView{}}, Do: h.addSecret,
	}, {
		ID: "removeOAuth2ClientSecret", Method: http.MethodDelete, Path: path + "/{secret_id}", Scope: apikey.ClientsWrite, Action: "client.secret.remove",
		Summary:   "Remove a secret of a client, unless it is the only one; registration access tokens are revoked.",
		Responses: map[int]any{http.StatusNoContent: nil}, Do: h.removeSecret,
	}}
}

// secretView is a secret of a client.
type secretView struct {
	ID         string     `json:"secret_id"`
	Current    bool       `json:"current"      doc:"it is the latest one"`
	CreatedAt  *time.Time `json:"created_at,omitempty" doc:"absent if it is unknown"`
	LastUsedAt *time.Time `json:"last_used_at,omitempty" doc:"absent if it was not used in the last 400 days"`
	ExpiresAt  *time.Time `json:"expires_at,omitempty" doc:"absent if it is valid until it is removed"`
}

// listSecrets serves GET /clients/{id}/secrets.
func (h *clientSecretHandler) listSecrets(r *Request) (*Response, error) {
	c, err := h.store.Client(r.Context(), r.pathValue("id"))
	if err != nil {
		return nil, err
	}
	uses, err := h.uses.ClientUses(r.Context(), c.ID)
	if err != nil {
		return nil, err
	}
	views := []secretView{}
	for _, one := range c.SecretInfos(h.now()) {
		views = append(views, secretView{one.ID, one.Current, timeOrNone(one.CreatedAt), timeOrNone(uses[one.ID]), timeOrNone(one.ExpiresAt)})
	}
	return ok(views), nil
}

// addSecret serves POST /clients/{id}/secrets.
func (h *clientSecretHandler) addSecret(r *Request) (*Response, error) {
	return h.change(r, func(known *client.Client) (string, error) {
		return h.manage().AddSecret(r.Context(), known)
	})
}

// removeSecret serves DELETE /clients/{id}/secrets/{secret_id}.
func (h *clientSecretHandler) removeSecret(r *Request) (*Response, error) {
	_, err := h.change(r, func(known *client.Client) (string, error) {
		return "", known.RemoveSecret(r.pathValue("secret_id"), h.now())
	})
	if err != nil {
		return nil, err
	}
	return noContent(), nil
}
