package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/httpapi"
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
	now := h.Now()
	made := &client.Client{CreatedAt: now, UpdatedAt: now}
	if made.ID, err = member(said, "client_id"); err != nil {
		return nil, err
	}
	if made.ID == "" {
		made.ID = client.NewID()
	} else if err := client.CheckID(made.ID); err != nil {
		return nil, badClient(err.Error())
	}
	c.Target = made.ID
	secret, err := h.describeClient(c, made, said)
	if err != nil {
		return nil, err
	}
	if err := h.mayEquip(c, made); err != nil {
		return nil, err
	}
	view := viewClient(made)
	view.Secret = secret
	if err := h.Registry.InsertClient(c.Context(), made); err != nil {
		return nil, err
	}
	c.head.Set("Location", strings.TrimSuffix(c.URL.EscapedPath(), "/")+"/"+url.PathEscape(made.ID))
	return &Reply{http.StatusCreated, view}, nil
}

// describeClient puts into known what is said of it, and gives it the secret that it
// then needs. It returns a secret that was made, or chosen.
func (h *Handler) describeClient(c *Call, known *client.Client, said map[string]json.RawMessage) (secret string, err error) {
	metadata, faults := client.ParseMetadata(said, h.Policy)
	if len(faults) > 0 {
		return "", httpapi.BadRequest(faults[0].Code, faults[0].String())
	}
	before := &known.Metadata
	if known.Version == 0 {
		before = nil
	}
	if err := metadata.VerifySector(c.Context(), h.Documents, before); err != nil {
		return "", err
	}
	for _, warning := range client.KeyWarnings(said["jwks"]) {
		h.Log.LogAttrs(c.Context(), slog.LevelWarn, "client key ignored", slog.String("client_id", known.ID), slog.String("reason", warning))
	}
	known.Metadata = metadata
	if secret, err = member(said, "client_secret"); err != nil {
		return "", err
	}
	if secret == "" || !known.UsesSecret() {
		if err := h.Keeper.Adapt(c.Context(), known); err != nil {
			return "", fmt.Errorf("adapt client secret: %w", err)
		}
		if known.Secret != "" || !known.UsesSecret() { // a secret without use is ignored, as in Hydra
			return "", nil
		}
		secret = known.NewSecret()
	}
	if err := known.CheckSecret(secret); err != nil {
		return "", badClient(err.Error())
	}
	if err := h.Keeper.Set(c.Context(), known, secret); err != nil {
		return "", fmt.Errorf("keep client secret: %w", err)
	}
	return secret, nil
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
		if known.Lifespans, faults = client.ParseLifespans(lifespans); len(faults) > 0 {
			return "", httpapi.BadRequest(faults[0].Code, faults[0].String())
		}
		return "", nil
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
		if !known.UsesSecret() {
			return "", badClient("token_endpoint_auth_method is one without a secret")
		}
		now := h.Now()
		return h.Keeper.Rotate(c.Context(), known, now, now.Add(lifetime))
	})
}

// clearSecrets serves DELETE /clients/{id}/secrets/rotate.
func (h *Handler) clearSecrets(c *Call) (*Reply, error) {
	return h.changeClient(c, func(known *client.Client) (string, error) {
		known.RotatedSecrets = nil
		return "", nil
	})
}

// tries is how often a change is made anew that somebody else's came before.
const tries = 3

// changeClient changes the client that the path names. A secret that change returns is
// shown.
func (h *Handler) changeClient(c *Call, change func(*client.Client) (secret string, err error)) (*Reply, error) {
	ctx, id := c.Context(), variable(c.Request, "id")
	for left := tries; ; left-- {
		known, err := h.Registry.Client(ctx, id)
		if err != nil {
			return nil, err
		}
		before := *known
		secret, err := change(known)
		if err != nil {
			return nil, err
		}
		known.MarkOperatorScope(&before.Metadata)
		if err := h.mayEquip(c, &before, known); err != nil {
			return nil, err
		}
		known.UpdatedAt = h.Now()
		err = h.Registry.UpdateClient(ctx, known)
		if errors.Is(err, client.ErrConflict) && left > 1 {
			continue
		}
		if err != nil {
			return nil, err
		}
		view := viewClient(known)
		view.Secret = secret
		return ok(view), nil
	}
}
