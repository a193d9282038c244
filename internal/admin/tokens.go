package admin

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
)

// Tokens reads tokens.
type Tokens interface {
	// Inspect says what there is to say of a token, which is not active if it lacks one
	// of scopes.
	Inspect(ctx context.Context, token string, scopes []string) (*grant.Introspection, error)
	// Own returns whose an access token is that a client got for itself, for us, and
	// its scopes, or grant.ErrNotFound.
	Own(ctx context.Context, token string) (clientID string, scopes []string, err error)
}

func (h *Handler) tokenOperations() []Operation {
	return []Operation{{
		ID: "introspectOAuth2Token", Method: http.MethodPost, Path: "/oauth2/introspect", Scope: apikey.TokensRead,
		Summary: "What a token says, whosever it is, and whether it is good.",
		Form: []Parameter{
			{Name: "token", Type: "string", Required: true, Meaning: "An access or refresh token."},
			{Name: "scope", Type: "string", Meaning: "Scopes without one of which it counts as inactive."},
			{Name: "token_type_hint", Type: "string", Meaning: "Not needed."},
		},
		Answers: map[int]any{http.StatusOK: grant.Introspection{}}, Do: h.introspect,
	}, {
		ID: "deleteOAuth2Token", Method: http.MethodDelete, Path: "/oauth2/tokens", Scope: apikey.TokensWrite, Action: "token.delete",
		Summary: "Ends what was given to a client, to a person, in a session or under one grant.",
		Query: []Parameter{
			{Name: "client_id", Type: "string", Meaning: "The client."},
			{Name: "subject", Type: "string", Meaning: "The person, alone or with a client."},
			{Name: "session", Type: "string", Meaning: "The session, alone; it goes on."},
			{Name: "grant", Type: "string", Meaning: "The grant, alone."},
		},
		Answers: map[int]any{http.StatusNoContent: nil}, Do: h.deleteTokens,
	}, {
		ID: "flushInactiveOAuth2Tokens", Method: http.MethodPost, Path: "/oauth2/flush", Scope: apikey.TokensWrite,
		Summary: "Does nothing, since the server removes by itself what has ended.",
		Answers: map[int]any{http.StatusNoContent: nil}, Do: h.flush,
	}}
}

// introspect serves POST /oauth2/introspect.
//
// Spec: RFC 7662 sections 2.1, 2.2.
func (h *Handler) introspect(c *Call) (*Reply, error) {
	token := c.PostForm.Get("token")
	if token == "" {
		return nil, invalid("The parameter token is missing.")
	}
	said, err := h.Tokens.Inspect(c.Context(), token, strings.Fields(c.PostForm.Get("scope")))
	if err != nil {
		return nil, err
	}
	// Programs made from Hydra's description refuse an answer with members that are not in it.
	said.ID, said.AuthTime, said.ACR = "", 0, ""
	if said.Active && said.TokenType == "" {
		said.TokenType = "Bearer" // of refresh tokens too, as in Hydra
	}
	return ok(said), nil
}

// deleteTokens serves DELETE /oauth2/tokens. That there are none is no error.
func (h *Handler) deleteTokens(c *Call) (*Reply, error) {
	ctx, asked, now := c.Context(), c.URL.Query(), h.Now()
	clientID, subject, sessionID, grantID := asked.Get("client_id"), asked.Get("subject"), asked.Get("session"), asked.Get("grant")
	alone := func(others ...string) bool { return strings.Join(others, "") == "" }
	var err error
	switch {
	case grantID != "" && alone(clientID, subject, sessionID):
		err = h.deleteGrant(ctx, grantID)
	case sessionID != "" && alone(clientID, subject, grantID):
		err = h.Consents.RevokeGrantsIn(ctx, sessionID, now)
	case subject != "" && alone(sessionID, grantID):
		err = h.Consents.RevokeGrantsOf(ctx, subject, clientID, now)
	case clientID != "" && alone(sessionID, grantID):
		err = h.Registry.EndClientTokens(ctx, clientID, now)
	default:
		return nil, invalid("One of client_id, subject, session and grant is needed, or a subject with a client_id.")
	}
	if err != nil && !errors.Is(err, client.ErrNotFound) {
		return nil, err
	}
	return done(), nil
}

func (h *Handler) deleteGrant(ctx context.Context, text string) error {
	id, err := grant.ParseID(text)
	if err != nil {
		return invalid("The parameter grant must be the id of a grant.")
	}
	for _, ref := range id.Locators() {
		if err := h.Consents.RevokeGrant(ctx, ref, "", grant.RevokedByOperator, h.Now()); err != nil {
			return err
		}
	}
	return nil
}

// flush serves POST /oauth2/flush.
func (h *Handler) flush(*Call) (*Reply, error) { return done(), nil }
