package authorize

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/refusal"
)

// Introspect serves POST /oauth2/introspect.
//
// Only confidential clients may ask. A token is shown to the client it was given
// to and to those it is for; to anyone else it is inactive, so that the endpoint
// cannot be used to try tokens found elsewhere (RFC 7662 section 4).
//
// Spec: RFC 7662 §2.
func (h *Handler) Introspect(w http.ResponseWriter, r *http.Request) {
	said, err := h.introspect(r)
	if err != nil {
		oauth2.WriteError(w, r, err)
		return
	}
	pages.JSON(w, http.StatusOK, said)
}

func (h *Handler) introspect(r *http.Request) (*grant.Introspection, error) {
	ctx, now := r.Context(), h.Now()
	c, err := h.Authenticator.Authenticate(ctx, r)
	if err != nil {
		return nil, err
	}
	if c.IsPublic() {
		return nil, oauth2.NewError(oauth2.CodeUnauthorizedClient, "Only a confidential client may introspect tokens")
	}
	token := r.PostForm.Get("token")
	if token == "" {
		return nil, oauth2.NewError(oauth2.CodeInvalidRequest, "The parameter token is missing")
	}
	return h.inspect(ctx, token, now, func(owner string, audience []string) bool {
		return owner == c.ID || h.meantFor(audience, c)
	})
}

// Inspect says of any token what there is to say. It is for those who operate the
// server: clients ask [Handler.Introspect]. A token that lacks one of scopes is not
// active.
func (h *Handler) Inspect(ctx context.Context, token string, scopes []string) (*grant.Introspection, error) {
	said, err := h.inspect(ctx, token, h.Now(), func(string, []string) bool { return true })
	if err != nil {
		return nil, err
	}
	for _, scope := range scopes {
		if !slices.Contains(strings.Fields(said.Scope), scope) {
			noteInactive(ctx, refusal.New(refusal.TokenScopeMissing, "the token lacks a scope that the request names"))
			return &grant.Introspection{}, nil
		}
	}
	return said, nil
}

// inspect says of a token what there is to say to those who may know: that depends on
// whose it is and, of access tokens, whom it is for.
func (h *Handler) inspect(
	ctx context.Context, token string, now time.Time, mayKnow func(owner string, audience []string) bool,
) (*grant.Introspection, error) {
	if handle, err := h.Codec.Parse(tokens.Refresh, token); err == nil {
		return h.inspectRefresh(ctx, handle, now, mayKnow)
	}
	claims, held, err := h.active(ctx, token, now)
	if errors.Is(err, errInactive) {
		noteInactive(ctx, refusal.Of(err))
		return &grant.Introspection{}, nil
	}
	if err != nil {
		return nil, err
	}
	if !mayKnow(claims.ClientID, claims.Audience) {
		noteInactive(ctx, refusal.New(refusal.TokenAudience, "the token is neither the client's own nor for it",
			refusal.Registered("issued_to", claims.ClientID), refusal.Registered("audience", strings.Join(claims.Audience, " "))))
		return &grant.Introspection{}, nil
	}
	said := &grant.Introspection{
		Active: true, Scope: claims.Scope, ClientID: claims.ClientID, TokenType: "Bearer", TokenUse: "access_token",
		Expiry: claims.Expiry, IssuedAt: claims.IssuedAt, Subject: claims.Subject, Audience: claims.Audience,
		Issuer: h.Issuer, ID: claims.ID, AuthTime: claims.AuthTime, ACR: claims.ACR, Extra: claims.Extra,
	}
	if held != nil {
		said.Name(held)
		held.Scopes = strings.Fields(claims.Scope)
		if said.Claims, err = h.introspectionClaims(ctx, held); err != nil {
			return nil, err
		}
	}
	return said, nil
}

// meantFor reports whether c is a resource server for one of the audiences: it
// is named by its client_id, or it serves the resource. That it may ask for tokens for a
// resource does not count. A token without a resource is shown to every client that the
// operator made, but not to those that registered themselves. The issuer in the audience
// of a token for a resource is there for userinfo alone.
func (h *Handler) meantFor(audience []string, c *client.Client) bool {
	if slices.Equal(audience, []string{h.Issuer}) && !c.Dynamic {
		return true
	}
	return slices.ContainsFunc(audience, func(a string) bool {
		return a == c.ID || slices.Contains(c.ServedResources, a)
	})
}

// noteInactive leaves for the edge why a token is not active: the answer never says so. It
// is a normal answer, so that it is logged at DEBUG.
func noteInactive(ctx context.Context, cause *refusal.Cause) {
	refusal.Note(ctx, refusal.Rejection{Message: "token is not active", Err: cause, Succeeded: true, Flood: true, Quiet: true})
}

func (h *Handler) inspectRefresh(
	ctx context.Context, handle tokens.Handle, now time.Time, mayKnow func(string, []string) bool,
) (*grant.Introspection, error) {
	held, err := h.Grants.LiveGrant(ctx, handle.Ref, "", now)
	if errors.Is(err, grant.ErrNotFound) {
		noteInactive(ctx, refusal.New(refusal.TokenInactive, "the grant of the refresh token was revoked, or what it depends on has ended").
			WithGrant(handle.Ref.ID.String()))
		return &grant.Introspection{}, nil
	}
	if err != nil {
		return nil, err
	}
	current := held.RefreshGeneration == int64(handle.Generation) && now.Before(held.ExpiresAt) &&
		h.Codec.Belongs(tokens.Refresh, handle, held.Seed)
	switch {
	case !current:
		noteInactive(ctx, refusal.New(refusal.TokenInactive, "the refresh token has expired, was rotated, or was made up",
			refusal.At("expires_at", held.ExpiresAt), refusal.At("last_rotated_at", held.RefreshRotatedAt)).WithGrant(handle.Ref.ID.String()))
		return &grant.Introspection{}, nil
	case !mayKnow(held.ClientID, nil):
		noteInactive(ctx, refusal.New(refusal.TokenAudience, "the refresh token was issued to another client",
			refusal.Registered("issued_to", held.ClientID)).WithGrant(handle.Ref.ID.String()))
		return &grant.Introspection{}, nil
	}
	owner, err := h.Clients.Client(ctx, held.ClientID)
	if errors.Is(err, client.ErrNotFound) {
		return &grant.Introspection{}, nil
	}
	if err != nil {
		return nil, err
	}
	said := &grant.Introspection{
		Active: true, Scope: strings.Join(held.Scopes, " "), ClientID: held.ClientID, TokenUse: "refresh_token",
		Subject: held.SubjectFor(h.Subjects.Of(owner, held.Subject)), Issuer: h.Issuer,
		Expiry: held.ExpiresAt.Unix(), IssuedAt: held.CreatedAt.Unix(), AuthTime: held.Authorization.AuthTime, ACR: held.Authorization.ACR,
	}
	said.Name(held)
	return said, nil
}
