package registration

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/manage"
)

// maxBody is the maximum size of a request body, in bytes.
const maxBody = 64 << 10

// Create serves POST /connect/register and POST /oauth2/register.
//
// Spec: RFC 7591 §3, OpenID Connect Registration §3.
func (h *Handler) Create(w http.ResponseWriter, r *http.Request) {
	created, err := h.create(r)
	if err != nil {
		h.errors.Write(w, r, err)
		return
	}
	h.Log.LogAttrs(r.Context(), slog.LevelInfo, "client registered", slog.String("client_id", created.ClientID))
	w.Header().Set("Location", created.URI)
	httpapi.JSON(w, http.StatusCreated, created)
}

func (h *Handler) create(r *http.Request) (*response, error) {
	if err := h.authenticator().mayRegister(r); err != nil {
		return nil, err
	}
	members, secret, err := readBody(r)
	if err != nil {
		return nil, err
	}
	if secret != "" {
		return nil, invalidMetadata("client_secret is chosen by the server")
	}
	if err := h.statements().apply(members, ""); err != nil {
		return nil, err
	}
	policy, err := h.policy(r.Context(), nil)
	if err != nil {
		return nil, err
	}
	metadata, faults := client.ParseMetadata(members, policy)
	if len(faults) > 0 {
		return nil, firstFault(faults)
	}
	clients := manage.Clients{Secrets: h.secretStore(), Documents: h.Documents, Now: h.Now}
	c := &client.Client{ID: client.NewID(), Metadata: metadata, Dynamic: true}
	generated, err := clients.Prepare(r.Context(), c, "")
	if err != nil {
		return nil, err
	}
	a := h.newResponse(r, c)
	a.ClientSecret = generated
	a.Token = client.NewSecret()
	c.RegistrationToken = client.HashToken(a.Token)
	err = h.audited(r, c.ID, []string{ActionRegister}, func(ctx context.Context) error { return h.Clients.InsertClient(ctx, c) })
	if err != nil {
		return nil, fmt.Errorf("insert client: %w", err)
	}
	h.warnOfKeys(r.Context(), c.ID, members)
	return a, nil
}

// readBody returns the members of the body, and the value of client_secret.
func readBody(r *http.Request) (members map[string]json.RawMessage, secret string, err error) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil || len(raw) > maxBody {
		return nil, "", invalidMetadata("the body cannot be read")
	}
	if err := json.Unmarshal(raw, &members); err != nil || members == nil {
		return nil, "", invalidMetadata("the body must be a JSON object")
	}
	if value, ok := members["client_secret"]; ok {
		if err := json.Unmarshal(value, &secret); err != nil {
			return nil, "", invalidMetadata("client_secret must be a string")
		}
	}
	return members, secret, nil
}

// warnOfKeys logs the ignored keys of jwks.
func (h *Handler) warnOfKeys(ctx context.Context, id string, members map[string]json.RawMessage) {
	for _, warning := range client.KeyWarnings(members["jwks"]) {
		h.Log.LogAttrs(ctx, slog.LevelWarn, "client key ignored", slog.String("client_id", id), slog.String("reason", warning))
	}
}
