package registration

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/web"
)

// grace is how long a rotated registration access token stays good, so that a
// lost answer is not a lost client.
const grace = time.Minute

// Get serves GET /connect/register/{id} and GET /oauth2/register/{id}.
//
// Spec: RFC 7592 section 2.1.
func (h *Handler) Get(w http.ResponseWriter, r *http.Request) {
	a, err := h.get(r)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	web.JSON(w, http.StatusOK, a)
}

func (h *Handler) get(r *http.Request) (*answer, error) {
	c, by, err := h.authenticate(r)
	if err != nil {
		return nil, err
	}
	a := h.show(r, c)
	if by.current {
		a.Token = by.token
		return a, nil
	}
	// Whoever comes with anything else has lost the current token.
	a.Token = h.rotate(c, by)
	if err := h.Clients.UpdateClient(r.Context(), c); err != nil {
		return nil, fmt.Errorf("rotate registration token: %w", err)
	}
	return a, nil
}

// Update serves PUT /connect/register/{id} and PUT /oauth2/register/{id}. It
// replaces all of the metadata: a member that is absent is reset.
//
// Spec: RFC 7592 section 2.2.
func (h *Handler) Update(w http.ResponseWriter, r *http.Request) {
	a, err := h.update(r)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	h.Log.LogAttrs(r.Context(), slog.LevelInfo, "client updated itself", slog.String("client_id", a.ClientID))
	web.JSON(w, http.StatusOK, a)
}

func (h *Handler) update(r *http.Request) (*answer, error) {
	c, by, err := h.authenticate(r)
	if err != nil {
		return nil, err
	}
	members, secret, err := readBody(r)
	if err != nil {
		return nil, err
	}
	if err := h.believe(members, c.SoftwareStatement); err != nil {
		return nil, err
	}
	policy, err := h.policy(r.Context())
	if err != nil {
		return nil, err
	}
	policy.AllowedScopes = slices.Concat(policy.AllowedScopes, c.Scopes())
	metadata, faults := client.ParseMetadata(members, policy)
	if len(faults) > 0 {
		return nil, refusedMetadata(faults)
	}
	metadata.KeepGiven(&c.Metadata)
	if !c.Dynamic && c.SubjectType == client.Pairwise && metadata.SubjectType != client.Pairwise {
		return nil, invalidMetadata("subject_type is pairwise by the operator's will")
	}
	if err := metadata.VerifySector(r.Context(), h.Documents, &c.Metadata); err != nil {
		return nil, err //nolint:wrapcheck // says what is wrong
	}
	c.Metadata = metadata
	issued, err := h.settleSecret(r, c, secret)
	if err != nil {
		return nil, err
	}

	c.UpdatedAt = h.Now()
	token := h.rotate(c, by)
	a := h.show(r, c)
	a.ClientSecret, a.Token = issued, token
	if err := h.Clients.UpdateClient(r.Context(), c); err != nil {
		return nil, fmt.Errorf("update client: %w", err)
	}
	return a, nil
}

// settleSecret leaves c with the secret that its new method needs, in the form that
// it needs, and returns it if the client does not know it yet, or chose it.
func (h *Handler) settleSecret(r *http.Request, c *client.Client, wanted string) (issued string, err error) {
	ctx, keeper := r.Context(), h.keeper()
	same := false
	if wanted != "" {
		if same, err = keeper.Fits(ctx, c, wanted); err != nil {
			return "", fmt.Errorf("compare client secret: %w", err)
		}
	}
	if err := keeper.Adapt(ctx, c); err != nil {
		return "", fmt.Errorf("adapt client secret: %w", err)
	}
	keep := wanted
	switch {
	case !c.UsesSecret() && wanted != "":
		return "", invalidMetadata("client_secret has no use with this token_endpoint_auth_method")
	case !c.UsesSecret(), (wanted == "" || same) && c.Secret != "":
		return "", nil
	case wanted == "":
		keep = c.NewSecret()
		issued = keep
	case !same && family(r) != connect:
		return "", errSecretFixed
	case !same:
		issued = keep
	}
	if err := c.CheckSecret(keep); err != nil {
		return "", invalidMetadata(err.Error())
	}
	if err := keeper.Keep(ctx, c, keep); err != nil {
		return "", fmt.Errorf("keep client secret: %w", err)
	}
	return issued, nil
}

// rotate gives c a new registration access token. The one that the caller came
// with stays good for a while, but for no longer than it was anyway.
func (h *Handler) rotate(c *client.Client, by credential) string {
	token := client.NewSecret()
	if !by.previous {
		c.PreviousToken, c.PreviousUntil = c.RegistrationToken, h.Now().Add(grace)
	}
	c.RegistrationToken = client.HashToken(token)
	return token
}

// Delete serves DELETE /connect/register/{id} and DELETE /oauth2/register/{id}.
// The tokens of the client end with it.
//
// Spec: RFC 7592 section 2.3.
func (h *Handler) Delete(w http.ResponseWriter, r *http.Request) {
	c, _, err := h.authenticate(r)
	if err == nil {
		err = h.Clients.DeleteClient(r.Context(), c.ID)
	}
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	h.Log.LogAttrs(r.Context(), slog.LevelInfo, "client deleted itself", slog.String("client_id", c.ID))
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}

// The two families of paths, which differ in what they accept.
const (
	connect = "/connect/register"
	oauth2  = "/oauth2/register"
)

func family(r *http.Request) string {
	if strings.Contains(r.URL.Path, connect) {
		return connect
	}
	return oauth2
}
