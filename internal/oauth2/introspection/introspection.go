// Package introspection serves the introspection endpoint, and introspects tokens for
// operators.
package introspection

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/apiresource"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/scope"
)

// Authenticator authenticates the client of a request.
type Authenticator interface {
	Authenticate(ctx context.Context, r *http.Request) (*client.Client, error)
}

// Clients finds registered clients.
type Clients interface {
	// Client returns [client.ErrNotFound] for an unknown ID.
	Client(ctx context.Context, id string) (*client.Client, error)
}

// AccessTokens reads access tokens, as [tokens.Reader] does.
type AccessTokens interface {
	Active(ctx context.Context, token string, now time.Time) (*tokens.AccessClaims, *grant.WithAccount, error)
}

// Grants finds the grants of refresh tokens.
type Grants interface {
	// LiveGrant returns [grant.ErrNotFound] for a grant that is revoked or has ended.
	LiveGrant(ctx context.Context, ref grant.Locator, jti string, now time.Time) (*grant.WithAccount, error)
}

// Handler serves the endpoint. All of its members are set.
type Handler struct {
	Issuer        string
	Authenticator Authenticator
	Used          func(clientID string) // notes a response to a client
	Clients       Clients
	AccessTokens  AccessTokens
	Codec         *tokens.Codec
	Grants        Grants
	Scopes        scope.Source
	Subjects      client.Subjects
	Signer        Signer           // of responses
	Encrypter     oauth2.Encrypter // of signed responses
	Now           func() time.Time
}

// ServeHTTP serves POST /oauth2/introspect. Only confidential clients may introspect.
//
// Spec: RFC 7662 §2, RFC 9701 §4, §5.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	response, signed, err := h.serve(r)
	if err != nil {
		oauth2.WriteError(w, r, err)
		return
	}
	if signed != "" {
		writeSigned(w, signed)
		return
	}
	httpapi.JSON(w, http.StatusOK, response)
}

// serve returns the response, and signed if the request accepts that.
func (h *Handler) serve(r *http.Request) (response *grant.Introspection, signed string, err error) {
	ctx := r.Context()
	c, err := h.Authenticator.Authenticate(ctx, r)
	if err != nil {
		return nil, "", err
	}
	if c.IsPublic() {
		return nil, "", oauth2.NewError(oauth2.CodeUnauthorizedClient, "Only confidential clients may introspect tokens")
	}
	token := r.PostForm.Get("token")
	if token == "" {
		return nil, "", oauth2.InvalidRequest("The parameter token is missing")
	}
	if response, err = h.introspect(ctx, token, c); err != nil {
		return nil, "", err
	}
	if wantsSigned(r) {
		if signed, err = h.sign(ctx, c, response); err != nil {
			return nil, "", err
		}
	}
	h.Used(c.ID)
	return response, signed, nil
}

// Inspect introspects a token of any client for an operator. A token that lacks one of scopes is
// not active.
func (h *Handler) Inspect(ctx context.Context, token string, scopes []string) (*grant.Introspection, error) {
	response, err := h.introspect(ctx, token, nil)
	if err != nil {
		return nil, err
	}
	for _, scope := range scopes {
		if !slices.Contains(strings.Fields(response.Scope), scope) {
			return noteInactive(ctx, refusal.New(refusal.TokenScopeMissing, "the token lacks a scope that the request names")), nil
		}
	}
	return response, nil
}

// introspect returns the introspection response for a token. A token is active only for its
// client and its audience, so that the endpoint cannot be used to test tokens found elsewhere. A
// nil reader is an operator.
//
// Spec: RFC 7662 §4.
func (h *Handler) introspect(ctx context.Context, token string, reader *client.Client) (*grant.Introspection, error) {
	now := h.Now()
	if handle, err := h.Codec.Parse(tokens.Refresh, token); err == nil {
		return h.refreshToken(ctx, handle, reader, now)
	}
	claims, found, err := h.AccessTokens.Active(ctx, token, now)
	if errors.Is(err, tokens.ErrInactive) {
		return noteInactive(ctx, refusal.Of(err)), nil
	}
	if err != nil {
		return nil, err
	}
	isFor, err := h.isFor(ctx, claims, reader)
	if err != nil {
		return nil, err
	}
	if !isFor {
		return noteInactive(ctx, refusal.New(refusal.TokenAudience, "the token is neither the client's own nor for it",
			refusal.Registered("issued_to", claims.ClientID), refusal.Registered("audience", strings.Join(claims.Audience, " ")))), nil
	}
	response := &grant.Introspection{
		Active: true, Scope: claims.Scope, ClientID: claims.ClientID, TokenType: claims.TokenType(), TokenUse: "access_token",
		Expiry: claims.Expiry, IssuedAt: claims.IssuedAt, Subject: claims.Subject, Audience: claims.Audience,
		Issuer: h.Issuer, ID: claims.ID, AuthTime: claims.AuthTime, ACR: claims.ACR, Extra: claims.Extra, Confirmation: claims.Confirmation,
		Actor: claims.Actor, MayAct: claims.MayAct,
	}
	if response.Details, err = h.details(ctx, claims, reader); err != nil {
		return nil, err
	}
	if found != nil {
		response.Name(found)
		found.Scopes = strings.Fields(claims.Scope)
		if response.Claims, err = h.userClaims(ctx, found); err != nil {
			return nil, err
		}
	}
	return response, nil
}

// details returns the authorization details of a token for reader: all of them for its client and for
// operators, and for others those whose type belongs to no resource, or to one that they serve.
//
// Spec: RFC 9396 §9.2.
func (h *Handler) details(ctx context.Context, claims *tokens.AccessClaims, reader *client.Client) (detail.List, error) {
	if len(claims.Details) == 0 || reader == nil || reader.ID == claims.ClientID {
		return claims.Details, nil
	}
	registered, err := h.Scopes.Scopes(ctx)
	if err != nil {
		return nil, fmt.Errorf("read scopes: %w", err)
	}
	served := registered.Resources().Served(reader.ID, reader.ServedResources)
	return registered.Details().For(claims.Details, func(resource string) bool { return serves(reader, served, resource) }), nil
}

// isFor reports whether c, nil for an operator, may see a token: it is its own, or c is a resource
// server for one of its audiences, because its client_id is one or it serves the resource. A resource
// that it may request tokens for does not count. A token without a resource is shown to every client
// of the operator that serves no declared resource, but not to clients of dynamic registration. The
// issuer in the audience of a token for a resource is only meant for the userinfo endpoint.
func (h *Handler) isFor(ctx context.Context, claims *tokens.AccessClaims, c *client.Client) (bool, error) {
	if c == nil || claims.ClientID == c.ID {
		return true, nil
	}
	registered, err := h.Scopes.Scopes(ctx)
	if err != nil {
		return false, fmt.Errorf("read resources: %w", err)
	}
	served := registered.Resources().Served(c.ID, c.ServedResources)
	if len(served) == 0 && slices.Equal(claims.Audience, []string{h.Issuer}) && !c.Dynamic {
		return true, nil
	}
	return slices.ContainsFunc(claims.Audience, func(a string) bool { return serves(c, served, a) }), nil
}

// serves reports whether an audience is c or a resource that it serves. served are the keys of the declared
// ones.
func serves(c *client.Client, served []string, audience string) bool {
	_, listed := apiresource.Find(c.ServedResources, audience)
	return audience == c.ID || listed || slices.Contains(served, apiresource.Key(audience))
}

// noteInactive returns the response for a token that is not active, and notes the cause,
// which the response never contains. It is logged at DEBUG, since the response is normal.
func noteInactive(ctx context.Context, cause *refusal.Cause) *grant.Introspection {
	refusal.Note(ctx, refusal.Rejection{Message: "token is not active", Err: cause, Succeeded: true, Flood: true, Quiet: true})
	return &grant.Introspection{}
}

// refreshToken returns the introspection response for a refresh token.
func (h *Handler) refreshToken(ctx context.Context, handle tokens.Handle, reader *client.Client, now time.Time) (*grant.Introspection, error) {
	found, err := h.Grants.LiveGrant(ctx, handle.Ref, "", now)
	if errors.Is(err, grant.ErrNotFound) {
		return noteInactive(ctx, refusal.New(refusal.TokenInactive, "the grant of the refresh token was revoked, or its session, account or client has ended").
			WithGrant(handle.Ref.ID.String())), nil
	}
	if err != nil {
		return nil, err
	}
	isCurrent := found.RefreshGeneration == int64(handle.Generation) && now.Before(found.ExpiresAt) &&
		h.Codec.Belongs(tokens.Refresh, handle, found.Seed)
	switch {
	case !isCurrent:
		return noteInactive(ctx, refusal.New(refusal.TokenInactive, "the refresh token has expired, was rotated, or was made up",
			refusal.At("expires_at", found.ExpiresAt), refusal.At("last_rotated_at", found.RefreshRotatedAt)).WithGrant(handle.Ref.ID.String())), nil
	case reader != nil && found.ClientID != reader.ID:
		return noteInactive(ctx, refusal.New(refusal.TokenAudience, "the refresh token was issued to another client",
			refusal.Registered("issued_to", found.ClientID)).WithGrant(handle.Ref.ID.String())), nil
	}
	owner, err := h.Clients.Client(ctx, found.ClientID)
	if errors.Is(err, client.ErrNotFound) {
		return &grant.Introspection{}, nil
	}
	if err != nil {
		return nil, err
	}
	response := &grant.Introspection{
		Details: found.Authorization.Details,
		Active:  true, Scope: strings.Join(found.Scopes, " "), ClientID: found.ClientID, TokenUse: "refresh_token",
		Subject: found.SubjectFor(h.Subjects.Of(owner, found.Subject)), Issuer: h.Issuer,
		Expiry: found.ExpiresAt.Unix(), IssuedAt: found.CreatedAt.Unix(), AuthTime: found.Authorization.AuthTime, ACR: found.Authorization.ACR,
	}
	if len(response.Details) > 0 {
		registered, err := h.Scopes.Scopes(ctx)
		if err != nil {
			return nil, fmt.Errorf("read scopes: %w", err)
		}
		response.Details = registered.Details().Downscope(response.Details, registered.LimitsOf(owner).Details)
	}
	response.Name(found)
	return response, nil
}

// userClaims returns the claims about the user of a grant, as far as the client of the token
// may still have its scopes. They include those of signed access tokens, since opaque ones
// hold none.
//
// Spec: RFC 7662 §2.2.
func (h *Handler) userClaims(ctx context.Context, g *grant.WithAccount) (map[string]any, error) {
	destinations := []scope.Destination{scope.Introspection, scope.AccessToken}
	registered, err := h.Scopes.Scopes(ctx)
	if err != nil {
		return nil, fmt.Errorf("read scopes: %w", err)
	}
	access, err := scope.AccessOf(&g.Grant)
	if err != nil {
		return nil, err
	}
	if !registered.ReleasesIn(access, destinations...) {
		return nil, nil
	}
	owner, err := h.Clients.Client(ctx, g.ClientID)
	if errors.Is(err, client.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	account, err := registered.AccountClaims(g)
	if err != nil {
		return nil, err
	}
	return registered.ByScope(account, registered.Downscope(access, registered.LimitsOf(owner)), destinations...), nil
}
