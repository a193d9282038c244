package registration

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/httpapi"
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
		h.errors.Write(w, r, err)
		return
	}
	httpapi.JSON(w, http.StatusOK, a)
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
	// A caller that does not send the current token has lost it and needs a new one.
	a.Token = h.rotate(c, by)
	err = h.audited(r, c.ID, []string{ActionToken}, func(ctx context.Context) error { return h.Clients.UpdateClient(ctx, c) })
	if err != nil {
		return nil, fmt.Errorf("rotate registration token: %w", err)
	}
	return a, nil
}

// Update serves PUT /connect/register/{id} and PUT /oauth2/register/{id}. It replaces
// all of the metadata: an absent member is reset. New redirect URIs end what users and
// the operator decided about the previous ones: remembered consents and skip_consent.
//
// Spec: RFC 7592 §2.2.
func (h *Handler) Update(w http.ResponseWriter, r *http.Request) {
	a, err := h.update(r)
	if err != nil {
		h.errors.Write(w, r, err)
		return
	}
	h.Log.LogAttrs(r.Context(), slog.LevelInfo, "client updated itself", slog.String("client_id", a.ClientID))
	httpapi.JSON(w, http.StatusOK, a)
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
	before := *c
	if c.Metadata, err = h.replacement(r, &before, members); err != nil {
		return nil, err
	}
	issued, err := h.settleSecret(r, c, secret)
	if err != nil {
		return nil, err
	}
	redirects := c.ChangesRedirects(&before.Metadata)
	if redirects {
		c.SkipConsent = false
	}
	// Another secret has ended the registration access tokens.
	rotated := c.Secret != before.Secret && before.Secret != "" && len(c.RegistrationToken) == 0

	c.UpdatedAt = h.Now()
	token := h.rotate(c, by)
	a := h.show(r, c)
	a.ClientSecret, a.Token = issued, token
	err = h.audited(r, c.ID, updateActions(redirects, rotated), func(ctx context.Context) error {
		if redirects {
			return h.Clients.UpdateClientDroppingConsents(ctx, c)
		}
		return h.Clients.UpdateClient(ctx, c)
	})
	if err != nil {
		return nil, fmt.Errorf("update client: %w", err)
	}
	h.warnOfKeys(r.Context(), c.ID, members)
	return a, nil
}

// replacement reads and checks the metadata that is to replace that of c.
func (h *Handler) replacement(r *http.Request, c *client.Client, members map[string]json.RawMessage) (client.Metadata, error) {
	if err := h.believe(members, c.SoftwareStatement); err != nil {
		return client.Metadata{}, err
	}
	policy, err := h.policy(r.Context(), c)
	if err != nil {
		return client.Metadata{}, err
	}
	if c.AllowHTTPRedirects { // for the addresses that the operator saw
		policy.HTTPRedirects, policy.HTTPPostLogout = c.RedirectURIs, c.PostLogoutRedirectURIs
	}
	metadata, faults := client.ParseMetadata(members, policy)
	if len(faults) > 0 {
		return client.Metadata{}, firstFault(faults)
	}
	metadata.KeepOperatorFields(&c.Metadata)
	if err := metadata.VerifySector(r.Context(), h.Documents, &c.Metadata); err != nil {
		return client.Metadata{}, err
	}
	return metadata, nil
}

// settleSecret leaves c with the secret that its new method needs, in the form that
// it needs, and returns it if the client does not know it yet, or chose it.
func (h *Handler) settleSecret(r *http.Request, c *client.Client, wanted string) (issued string, err error) {
	ctx, keeper := r.Context(), h.keeper()
	same := false
	if wanted != "" {
		if same, err = keeper.Verify(ctx, c, wanted); err != nil {
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
	if err := keeper.Set(ctx, c, keep); err != nil {
		return "", fmt.Errorf("keep client secret: %w", err)
	}
	return issued, nil
}

// rotate sets a new registration access token, which it returns. The token that the
// caller sent stays valid for the grace period, and one that was in its grace period no
// longer than before. After a rotation of the secret there is no such token.
func (h *Handler) rotate(c *client.Client, by presentedToken) string {
	token := client.NewSecret()
	if !by.previous && len(c.RegistrationToken) > 0 {
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
		err = h.audited(r, c.ID, []string{ActionDelete}, func(ctx context.Context) error { return h.Clients.DeleteClient(ctx, c.ID) })
	}
	if err != nil {
		h.errors.Write(w, r, err)
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

// family returns under which of the two r was routed. The route decides and not the
// address, whose client_id could spell the other one.
func family(r *http.Request) string {
	if strings.Contains(chi.RouteContext(r.Context()).RoutePattern(), connect) {
		return connect
	}
	return oauth2
}
