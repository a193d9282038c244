package authorize

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
)

// Revoke serves POST /oauth2/revoke. A refresh token takes its grant and every
// access token under it along; an access token goes alone. What is unknown, or
// somebody else's, is answered like what was revoked.
//
// Spec: RFC 7009 §2.
func (h *Handler) Revoke(w http.ResponseWriter, r *http.Request) {
	if err := h.revoke(r); err != nil {
		oauth2.WriteError(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
}

func (h *Handler) revoke(r *http.Request) error {
	ctx, now := r.Context(), h.Now()
	c, err := h.Authenticator.Authenticate(ctx, r)
	if err != nil {
		return err
	}
	token := r.PostForm.Get("token")
	if token == "" {
		return oauth2.NewError(oauth2.CodeInvalidRequest, "The parameter token is missing")
	}
	_, err = h.end(ctx, token, c.ID, grant.RevokedByClient, now)
	return err
}

// End revokes a token whosever it is, and reports whether it is one of ours that has not
// expired. It is for those who operate the server.
func (h *Handler) End(ctx context.Context, token string) (ours bool, err error) {
	return h.end(ctx, token, "", grant.RevokedByOperator, h.Now())
}

// end revokes a token of the client owner, or of any if that is empty. The hint is not
// needed: the kinds of tokens look different. That the first MAC of a refresh token
// holds is enough: whoever could forge it holds the system secret.
func (h *Handler) end(ctx context.Context, token, owner string, why grant.RevocationReason, now time.Time) (ours bool, err error) {
	if handle, err := h.Codec.Parse(tokens.Refresh, token); err == nil {
		return true, h.Grants.RevokeGrant(ctx, handle.Ref, owner, why, now)
	}
	claims, err := h.readAccessToken(token, now)
	if errors.Is(err, errInactive) || err == nil && owner != "" && claims.ClientID != owner {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, h.Grants.DenyToken(ctx, claims.ID, time.Unix(claims.Expiry, 0))
}
