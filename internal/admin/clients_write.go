package admin

import (
	"encoding/json"
	"log/slog"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/manage"
)

// members decodes the body into its members, so that member names are case-sensitive.
func members(r *Request) (map[string]json.RawMessage, error) {
	var body map[string]json.RawMessage
	if err := json.NewDecoder(r.HTTP.Body).Decode(&body); err != nil || body == nil {
		return nil, invalid("The request body must be a JSON object.")
	}
	return body, nil
}

// stringMember returns a member that is a string, or an empty string if it is absent.
func stringMember(body map[string]json.RawMessage, name string) (string, error) {
	var text string
	if raw := body[name]; len(raw) > 0 && json.Unmarshal(raw, &text) != nil {
		return "", badClient(name + " must be a string")
	}
	return text, nil
}

func badClient(reason string) error {
	return httpapi.BadRequest(client.InvalidMetadata, reason)
}

// create serves POST /clients.
func (h *clientHandler) create(r *Request) (*Response, error) {
	body, err := members(r)
	if err != nil {
		return nil, err
	}
	id, err := stringMember(body, "client_id")
	if err != nil {
		return nil, err
	}
	if id, err = manage.ClientID(id); err != nil {
		return nil, err
	}
	r.Target = id
	created := &client.Client{ID: id}
	if created.Metadata, err = h.parse(r, id, body); err != nil {
		return nil, err
	}
	secret, err := stringMember(body, "client_secret")
	if err != nil {
		return nil, err
	}
	generated, err := h.manage().Create(r.Context(), created, secret, func(created *client.Client) error { return h.access.authorizeScopeGrant(r, created) })
	if err != nil {
		return nil, err
	}
	view := viewClient(created)
	view.Secret = shownSecret(created, secret, generated)
	return r.created(created.ID, view), nil
}

func (h *clientHandler) manage() *manage.Clients {
	return &manage.Clients{Store: h.store, Secrets: h.secrets, Documents: h.documents, Now: h.now}
}

// parse parses and validates the metadata in a request for the client with the ID.
func (h *clientHandler) parse(r *Request, id string, body map[string]json.RawMessage) (client.Metadata, error) {
	metadata, faults := client.ParseMetadata(body, h.policy)
	if err := manage.InvalidMetadata(faults); err != nil {
		return metadata, err
	}
	for _, warning := range client.KeyWarnings(body["jwks"]) {
		h.log.LogAttrs(r.Context(), slog.LevelWarn, "client key ignored", slog.String("client_id", id), slog.String("reason", warning))
	}
	return metadata, nil
}

// describe replaces the metadata of known, and sets the secret in the request or, if
// the client needs one, a generated secret. It returns the new secret, if any.
func (h *clientHandler) describe(r *Request, known *client.Client, body map[string]json.RawMessage) (string, error) {
	metadata, err := h.parse(r, known.ID, body)
	if err != nil {
		return "", err
	}
	if err := h.manage().SetMetadata(r.Context(), known, metadata); err != nil {
		return "", err
	}
	secret, err := stringMember(body, "client_secret")
	if err != nil {
		return "", err
	}
	generated, err := h.manage().SetSecret(r.Context(), known, secret, false)
	return shownSecret(known, secret, generated), err
}

// shownSecret returns the secret for the response: the generated one, or the one in the
// request unless the client uses no secret: as in Ory Hydra it is ignored then.
func shownSecret(c *client.Client, requested, generated string) string {
	if generated != "" || !c.UsesSecret() {
		return generated
	}
	return requested
}

// set serves PUT /clients/{id}.
func (h *clientHandler) set(r *Request) (*Response, error) {
	body, err := members(r)
	if err != nil {
		return nil, err
	}
	return h.change(r, func(known *client.Client) (string, error) {
		return h.describe(r, known, body)
	})
}

// setLifespans serves PUT /clients/{id}/lifespans.
func (h *clientHandler) setLifespans(r *Request) (*Response, error) {
	body, err := members(r)
	if err != nil {
		return nil, err
	}
	// Other members are ignored, and the other metadata of the client is unchanged.
	lifespans := map[string]json.RawMessage{}
	for name, raw := range body {
		if strings.HasSuffix(name, "_lifespan") {
			lifespans[name] = raw
		}
	}
	return h.change(r, func(known *client.Client) (string, error) {
		var faults []client.Fault
		known.Lifespans, faults = client.ParseLifespans(lifespans)
		return "", manage.InvalidMetadata(faults)
	})
}

const (
	oldSecretLifetime = "old_secret_lifetime"
	// maxOldSecretLifetime is also the maximum of the setting.
	maxOldSecretLifetime = 365 * 24 * time.Hour
)

// rotateSecret serves POST /clients/{id}/secrets/rotate.
func (h *clientHandler) rotateSecret(r *Request) (*Response, error) {
	lifetime := h.rotatedLifetime
	if text := r.query().Get(oldSecretLifetime); text != "" {
		var err error
		if lifetime, err = time.ParseDuration(text); err != nil || lifetime < 0 || lifetime > maxOldSecretLifetime {
			return nil, invalid("The parameter " + oldSecretLifetime + " must be a duration such as 90m, from 0s to 8760h.")
		}
	}
	return h.change(r, func(known *client.Client) (string, error) {
		return h.manage().RotateSecret(r.Context(), known, lifetime)
	})
}

// clearSecrets serves DELETE /clients/{id}/secrets/rotate.
func (h *clientHandler) clearSecrets(r *Request) (*Response, error) {
	return h.change(r, func(known *client.Client) (string, error) {
		known.RotatedSecrets = nil
		return "", nil
	})
}

// change changes the client that the path names. The response contains the secret that
// change returns.
func (h *clientHandler) change(r *Request, change func(*client.Client) (secret string, err error)) (*Response, error) {
	var secret string
	changed, err := h.manage().Update(r.Context(), r.pathValue("id"),
		func(known *client.Client) (err error) {
			secret, err = change(known)
			return err
		},
		func(before, after *client.Client) error { return h.access.authorizeScopeGrant(r, before, after) })
	if err != nil {
		return nil, err
	}
	view := viewClient(changed)
	view.Secret = secret
	return ok(view), nil
}
