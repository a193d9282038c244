package oauth2

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
)

// Revoke serves POST /oauth2/revoke. A refresh token takes its grant and every
// access token under it along; an access token goes alone. What is unknown, or
// somebody else's, is answered like what was revoked.
//
// Spec: RFC 7009 §2.
func (h *Handler) Revoke(w http.ResponseWriter, r *http.Request) {
	if err := h.revoke(r); err != nil {
		h.writeError(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
}

func (h *Handler) revoke(r *http.Request) error {
	ctx, now := r.Context(), h.Now()
	c, err := h.Authenticator.Authenticate(ctx, r)
	if err != nil {
		return err //nolint:wrapcheck // a refusal, or a fault that names itself
	}
	token := r.PostForm.Get("token")
	if token == "" {
		return refuse(codeInvalidRequest, "The parameter token is missing")
	}
	// The hint is not needed: the kinds of tokens look different.
	if handle, err := h.Codec.Parse(tokens.Refresh, token); err == nil {
		return h.revokeRefresh(ctx, c, handle, now)
	}
	claims, err := h.readAccessToken(token, now)
	if errors.Is(err, errInactive) || err == nil && claims.ClientID != c.ID {
		return nil
	}
	if err != nil {
		return err
	}
	return h.Grants.DenyToken(ctx, claims.ID, time.Unix(claims.Expiry, 0)) //nolint:wrapcheck // told apart by the caller
}

// revokeRefresh ends the grant of a refresh token. That its first MAC holds is
// enough: whoever could forge it holds the system secret.
func (h *Handler) revokeRefresh(ctx context.Context, c *client.Client, handle tokens.Handle, now time.Time) error {
	return h.Grants.RevokeGrant(ctx, handle.Ref, c.ID, grant.WhyClient, now) //nolint:wrapcheck // told apart by the caller
}
