package admin

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/manage"
)

// members reads a client member by member, so that each is taken under exactly its
// name.
func members(c *Call) (map[string]json.RawMessage, error) {
	var said map[string]json.RawMessage
	if err := json.NewDecoder(c.Body).Decode(&said); err != nil || said == nil {
		return nil, invalid("The request body must be a JSON object.")
	}
	return said, nil
}

// member returns a member that is a text, or empty.
func member(said map[string]json.RawMessage, name string) (string, error) {
	var text string
	if raw := said[name]; len(raw) > 0 && json.Unmarshal(raw, &text) != nil {
		return "", badClient(name + " must be a string")
	}
	return text, nil
}

func badClient(reason string) error {
	return httpapi.BadRequest(client.InvalidMetadata, reason)
}

// createClient serves POST /clients.
func (h *Handler) createClient(c *Call) (*Reply, error) {
	said, err := members(c)
	if err != nil {
		return nil, err
	}
	id, err := member(said, "client_id")
	if err != nil {
		return nil, err
	}
	if id, err = manage.ClientID(id); err != nil {
		return nil, err
	}
	c.Target = id
	created := &client.Client{ID: id}
	if created.Metadata, err = h.parseClient(c, id, said); err != nil {
		return nil, err
	}
	secret, err := member(said, "client_secret")
	if err != nil {
		return nil, err
	}
	generated, err := h.clients().Create(c.Context(), created, secret, func(created *client.Client) error { return h.mayEquip(c, created) })
	if err != nil {
		return nil, err
	}
	view := viewClient(created)
	view.Secret = shownSecret(created, secret, generated)
	c.head.Set("Location", strings.TrimSuffix(c.URL.EscapedPath(), "/")+"/"+url.PathEscape(created.ID))
	return &Reply{http.StatusCreated, view}, nil
}

func (h *Handler) clients() *manage.Clients {
	return &manage.Clients{Store: h.Registry, Secrets: h.Keeper, Documents: h.Documents, Now: h.Now}
}

// parseClient parses and validates the metadata in a request for the client with the ID.
func (h *Handler) parseClient(c *Call, id string, said map[string]json.RawMessage) (client.Metadata, error) {
	metadata, faults := client.ParseMetadata(said, h.Policy)
	if err := manage.InvalidMetadata(faults); err != nil {
		return metadata, err
	}
	for _, warning := range client.KeyWarnings(said["jwks"]) {
		h.Log.LogAttrs(c.Context(), slog.LevelWarn, "client key ignored", slog.String("client_id", id), slog.String("reason", warning))
	}
	return metadata, nil
}

// describeClient replaces the metadata of known, and sets the secret of the request or one
// that the client needs. It returns the new secret, if any.
func (h *Handler) describeClient(c *Call, known *client.Client, said map[string]json.RawMessage) (string, error) {
	metadata, err := h.parseClient(c, known.ID, said)
	if err != nil {
		return "", err
	}
	if err := h.clients().SetMetadata(c.Context(), known, metadata); err != nil {
		return "", err
	}
	secret, err := member(said, "client_secret")
	if err != nil {
		return "", err
	}
	generated, err := h.clients().SetSecret(c.Context(), known, secret, false)
	return shownSecret(known, secret, generated), err
}

// shownSecret returns the secret for the response: the generated one, or the one in the
// request unless the client has no use for it, which is ignored as in Ory Hydra.
func shownSecret(c *client.Client, requested, generated string) string {
	if generated != "" || !c.UsesSecret() {
		return generated
	}
	return requested
}

// setClient serves PUT /clients/{id}.
func (h *Handler) setClient(c *Call) (*Reply, error) {
	said, err := members(c)
	if err != nil {
		return nil, err
	}
	return h.changeClient(c, func(known *client.Client) (string, error) {
		return h.describeClient(c, known, said)
	})
}

// setLifespans serves PUT /clients/{id}/lifespans.
func (h *Handler) setLifespans(c *Call) (*Reply, error) {
	said, err := members(c)
	if err != nil {
		return nil, err
	}
	// Whatever else is said is none of this operation's, and all of the client's own stays.
	lifespans := map[string]json.RawMessage{}
	for name, raw := range said {
		if strings.HasSuffix(name, "_lifespan") {
			lifespans[name] = raw
		}
	}
	return h.changeClient(c, func(known *client.Client) (string, error) {
		var faults []client.Fault
		known.Lifespans, faults = client.ParseLifespans(lifespans)
		return "", manage.InvalidMetadata(faults)
	})
}

const (
	oldSecretLifetime = "old_secret_lifetime"
	// maxOldSecretLifetime is also the most that the setting takes.
	maxOldSecretLifetime = 365 * 24 * time.Hour
)

// rotateSecret serves POST /clients/{id}/secrets/rotate.
func (h *Handler) rotateSecret(c *Call) (*Reply, error) {
	lifetime := h.RotatedFor
	if text := c.URL.Query().Get(oldSecretLifetime); text != "" {
		var err error
		if lifetime, err = time.ParseDuration(text); err != nil || lifetime < 0 || lifetime > maxOldSecretLifetime {
			return nil, invalid("The parameter " + oldSecretLifetime + " must be a duration such as 90m, from 0s to 8760h.")
		}
	}
	return h.changeClient(c, func(known *client.Client) (string, error) {
		return h.clients().RotateSecret(c.Context(), known, lifetime)
	})
}

// clearSecrets serves DELETE /clients/{id}/secrets/rotate.
func (h *Handler) clearSecrets(c *Call) (*Reply, error) {
	return h.changeClient(c, func(known *client.Client) (string, error) {
		known.RotatedSecrets = nil
		return "", nil
	})
}

// changeClient changes the client that the path names. The response contains the secret that
// change returns.
func (h *Handler) changeClient(c *Call, change func(*client.Client) (secret string, err error)) (*Reply, error) {
	var secret string
	changed, err := h.clients().Update(c.Context(), variable(c.Request, "id"),
		func(known *client.Client) (err error) {
			secret, err = change(known)
			return err
		},
		func(before, after *client.Client) error { return h.mayEquip(c, before, after) })
	if err != nil {
		return nil, err
	}
	view := viewClient(changed)
	view.Secret = secret
	return ok(view), nil
}
