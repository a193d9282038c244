package token

import (
	"context"
	"net/http"
	"net/url"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/scope"
)

// Trial is the token request of a trial of a client in the administrators' console. Secrets of
// clients are stored as hashes, so this server cannot authenticate as the client. It redeems the
// code in this process, and a code of [grant.KindTrial] is redeemed nowhere else.
type Trial struct {
	Client                      *client.Client
	Code, Verifier, RedirectURI string
}

// TrialResult has the tokens of a trial, with their grant and access.
type TrialResult struct {
	Response

	Grant      *grant.WithAccount
	Access     scope.Access
	Registered *scope.Set
	// Signed is the ID token before it was encrypted for the client, empty for none.
	Signed string
}

// Try runs the phases of a token request for a trial, token hooks included, without the
// authentication of the client and without DPoP. The caller revokes the grant.
//
// Spec: RFC 6749 §4.1.3, RFC 7636 §4.5, OpenID Connect Core §3.1.3.
func (h *Handler) Try(ctx context.Context, t Trial) (*TrialResult, error) {
	form := url.Values{
		"grant_type": {client.GrantAuthorizationCode}, "client_id": {t.Client.ID}, "code": {t.Code}, "code_verifier": {t.Verifier},
		"redirect_uri": {t.RedirectURI},
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/", http.NoBody)
	if err != nil {
		return nil, err
	}
	r.Form, r.PostForm = form, form
	x := &Exchange{Now: h.Now(), Form: form, HTTP: r, Client: t.Client, trial: true}
	if x.Registered, err = h.Scopes.Scopes(ctx); err != nil {
		return nil, err
	}
	response, err := h.run(ctx, nil, x)
	if err != nil {
		return nil, err
	}
	result := &TrialResult{Response: *response, Grant: x.request.Grant, Access: x.request.Access, Registered: x.Registered, Signed: response.IDToken}
	if response.IDToken != "" && t.Client.IDTokenEncryptedResponseAlg != "" {
		result.Signed, err = h.signAgain(ctx, &x.request)
	}
	return result, err
}

// signAgain returns an ID token for r that is not encrypted, to read its claims.
func (h *Handler) signAgain(ctx context.Context, r *tokens.Request) (string, error) {
	plain, readable := *r, *r.Client
	readable.IDTokenEncryptedResponseAlg = ""
	plain.Client = &readable
	issued, err := h.Issuer.Issue(ctx, &plain)
	return issued.IDToken, err
}
