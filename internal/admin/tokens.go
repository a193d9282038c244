package admin

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
)

// Tokens reads tokens.
type Tokens interface {
	// Inspect returns the introspection response for a token. A token without all of the
	// scopes is inactive.
	Inspect(ctx context.Context, token string, scopes []string) (*grant.Introspection, error)
}

// tokenHandler serves the operations on tokens.
type tokenHandler struct {
	guard   *userGuard
	tokens  Tokens
	grants  Grants
	clients ClientStore
	now     func() time.Time
}

func (h *tokenHandler) operations() []Operation {
	return []Operation{{
		ID: "introspectOAuth2Token", Method: http.MethodPost, Path: "/oauth2/introspect", Scope: apikey.TokensRead,
		Summary: "Introspect a token of any client.",
		Form: []Parameter{
			{Name: "token", Type: "string", Required: true, Description: "An access or refresh token."},
			{Name: "scope", Type: "string", Description: "Scopes that the token must have to be active, separated by spaces."},
			{Name: "token_type_hint", Type: "string", Description: "Ignored."},
		},
		Responses: map[int]any{http.StatusOK: grant.Introspection{}}, Do: h.introspect,
	}, {
		ID: "deleteOAuth2Token", Method: http.MethodDelete, Path: "/oauth2/tokens", Scope: apikey.TokensWrite, Action: "token.delete",
		Summary: "Revoke the tokens of a client, a user, a session or a grant.",
		Query: []Parameter{
			{Name: "client_id", Type: "string", Description: "Revoke the tokens of this client; with subject, only those for the user."},
			{Name: "subject", Type: "string", Description: "Revoke the tokens of this subject."},
			{Name: "session", Type: "string", Description: "Revoke only this session's tokens; the session stays active."},
			{Name: "grant", Type: "string", Description: "Revoke only the tokens of this grant."},
		},
		Responses: map[int]any{http.StatusNoContent: nil}, Do: h.revoke,
	}, {
		ID: "flushInactiveOAuth2Tokens", Method: http.MethodPost, Path: "/oauth2/flush", Scope: apikey.TokensWrite,
		Summary:   "Do nothing: the server deletes expired tokens automatically.",
		Responses: map[int]any{http.StatusNoContent: nil}, Do: h.flush,
	}}
}

// introspect serves POST /oauth2/introspect.
//
// Spec: RFC 7662 §2.1, §2.2.
func (h *tokenHandler) introspect(r *Request) (*Response, error) {
	token := r.HTTP.PostForm.Get("token")
	if token == "" {
		return nil, invalid("The parameter token is missing.")
	}
	response, err := h.tokens.Inspect(r.Context(), token, strings.Fields(r.HTTP.PostForm.Get("scope")))
	if err != nil {
		return nil, err
	}
	// Clients generated from the OpenAPI document of Ory Hydra reject unknown members.
	response.ID, response.AuthTime, response.ACR = "", 0, ""
	if response.Active && response.TokenType == "" {
		response.TokenType = "Bearer" // for refresh tokens too, as in Ory Hydra
	}
	return ok(response), nil
}

// revoke serves DELETE /oauth2/tokens. It returns no error if there are no such tokens.
func (h *tokenHandler) revoke(r *Request) (*Response, error) {
	ctx, query, now := r.Context(), r.query(), h.now()
	clientID, subject, sessionID, grantID := query.Get("client_id"), query.Get("subject"), query.Get("session"), query.Get("grant")
	alone := func(others ...string) bool { return strings.Join(others, "") == "" }
	var err error
	switch {
	case grantID != "" && alone(clientID, subject, sessionID):
		err = h.revokeGrant(r, grantID)
	case sessionID != "" && alone(clientID, subject, grantID):
		if err = h.guard.session(r, sessionID); err == nil {
			err = h.grants.RevokeGrantsIn(ctx, sessionID, now)
		}
	case subject != "" && alone(sessionID, grantID):
		if err = h.guard.subject(r, subject); err == nil {
			err = h.grants.RevokeGrantsOf(ctx, subject, clientID, now)
		}
	case clientID != "" && alone(sessionID, grantID):
		err = h.clients.EndClientTokens(ctx, clientID, now)
	default:
		return nil, invalid("One of the parameters client_id, subject, session and grant is required; only subject and client_id can be combined.")
	}
	if err != nil && !errors.Is(err, client.ErrNotFound) {
		return nil, err
	}
	return noContent(), nil
}

func (h *tokenHandler) revokeGrant(r *Request, text string) error {
	id, err := grant.ParseID(text)
	if err != nil {
		return invalid("The parameter grant must be a grant ID.")
	}
	if err := h.guard.grant(r, id); err != nil {
		return err
	}
	for _, ref := range id.Locators() {
		if err := h.grants.RevokeGrant(r.Context(), ref, "", grant.RevokedByOperator, h.now()); err != nil {
			return err
		}
	}
	return nil
}

// flush serves POST /oauth2/flush.
func (h *tokenHandler) flush(*Request) (*Response, error) { return noContent(), nil }
