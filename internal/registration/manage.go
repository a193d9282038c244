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

// grace is how long a rotated registration access token remains valid, in case the client
// did not receive the response with the new one.
const grace = time.Minute

// Get serves GET /connect/register/{id} and GET /oauth2/register/{id}.
//
// Spec: RFC 7592 §2.1.
func (h *Handler) Get(w http.ResponseWriter, r *http.Request) {
	a, err := h.get(r)
	if err != nil {
		h.errors.Write(w, r, err)
		return
	}
	httpapi.JSON(w, http.StatusOK, a)
}

func (h *Handler) get(r *http.Request) (*response, error) {
	c, by, err := h.authenticator().client(r)
	if err != nil {
		return nil, err
	}
	a := h.newResponse(r, c)
	if by.current {
		a.Token = by.token
		return a, nil
	}
	// A client that does not send the current token has lost it and needs a new one.
	a.Token = h.rotate(c, by)
	err = h.audited(r, c.ID, []string{ActionToken}, func(ctx context.Context) error { return h.Clients.UpdateClient(ctx, c) })
	if err != nil {
		return nil, fmt.Errorf("rotate registration token: %w", err)
	}
	return a, nil
}

// Update serves PUT /connect/register/{id} and PUT /oauth2/register/{id}. It replaces all
// metadata: an absent member is reset. New redirect URIs remove the decisions about the
// previous ones: remembered consents and skip_consent.
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

func (h *Handler) update(r *http.Request) (*response, error) {
	c, by, err := h.authenticator().client(r)
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
	// Another secret has revoked the registration access tokens.
	rotated := c.Secret != before.Secret && before.Secret != "" && len(c.RegistrationToken) == 0

	c.UpdatedAt = h.Now()
	token := h.rotate(c, by)
	a := h.newResponse(r, c)
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

// replacement validates the metadata that replaces that of c.
func (h *Handler) replacement(r *http.Request, c *client.Client, members map[string]json.RawMessage) (client.Metadata, error) {
	if err := h.statements().apply(members, c.SoftwareStatement); err != nil {
		return client.Metadata{}, err
	}
	policy, err := h.policy(r.Context(), c)
	if err != nil {
		return client.Metadata{}, err
	}
	if c.AllowHTTPRedirects { // only the URIs that the operator approved
		policy.HTTPRedirects, policy.HTTPPostLogout = c.RedirectURIs, c.PostLogoutRedirectURIs
	}
	policy.Profile = c.ProfileOn(policy.Profile)
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

// settleSecret stores the secret that the authentication method of c requires, and
// converts the stored form if necessary. It returns the secret if the client has
// not received it, or chose it.
func (h *Handler) settleSecret(r *http.Request, c *client.Client, requested string) (issued string, err error) {
	ctx, secrets := r.Context(), h.secretStore()
	same := false
	if requested != "" {
		if same, err = secrets.Verify(ctx, c, requested); err != nil {
			return "", fmt.Errorf("compare client secret: %w", err)
		}
	}
	if err := secrets.Adapt(ctx, c); err != nil {
		return "", fmt.Errorf("adapt client secret: %w", err)
	}
	secret := requested
	switch {
	case !c.UsesSecret() && requested != "":
		return "", invalidMetadata("client_secret is not used with this token_endpoint_auth_method")
	case !c.UsesSecret(), (requested == "" || same) && c.Secret != "":
		return "", nil
	case requested == "":
		secret = c.NewSecret()
		issued = secret
	case !same && family(r) != connect:
		return "", errSecretFixed
	case !same:
		issued = secret
	}
	if err := c.CheckSecret(secret); err != nil {
		return "", invalidMetadata(err.Error())
	}
	if err := secrets.Set(ctx, c, secret); err != nil {
		return "", fmt.Errorf("store client secret: %w", err)
	}
	c.SecretCreatedAt = h.Now()
	return issued, nil
}

// rotate sets and returns a new registration access token. The token of the request
// remains valid for the grace period; a token that is in its grace period does not get
// another one. A change of the secret has removed both.
func (h *Handler) rotate(c *client.Client, by presentedToken) string {
	token := client.NewSecret()
	if !by.previous && len(c.RegistrationToken) > 0 {
		c.PreviousToken, c.PreviousUntil = c.RegistrationToken, h.Now().Add(grace)
	}
	c.RegistrationToken = client.HashToken(token)
	return token
}

// Delete serves DELETE /connect/register/{id} and DELETE /oauth2/register/{id}. The
// tokens of the client are revoked.
//
// Spec: RFC 7592 §2.3.
func (h *Handler) Delete(w http.ResponseWriter, r *http.Request) {
	c, _, err := h.authenticator().client(r)
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

// The path prefixes of the registration endpoints.
const (
	connect = "/connect/register"
	oauth2  = "/oauth2/register"
)

// family returns the path prefix of the route of r. It uses the route and not the path,
// because a client_id could contain the other prefix.
func family(r *http.Request) string {
	if strings.Contains(chi.RouteContext(r.Context()).RoutePattern(), connect) {
		return connect
	}
	return oauth2
}
