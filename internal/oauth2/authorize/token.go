package authorize

import (
	"net/http"
	"slices"
	"strings"

	"github.com/ory/fosite"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/refusal"
)

// tokenAnswer is a successful answer of the token endpoint (RFC 6749 section 5.1,
// OpenID Connect Core section 3.1.3.3).
type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"` // seconds
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
	Scope        string `json:"scope"`
}

// Token serves POST /oauth2/token.
//
// Spec: RFC 6749 §3.2, §4.1.3, §4.4, §5, §6; RFC 7523 §2.1; RFC 7636 §4.5; OpenID Connect Core §3.1.3, §12.
func (h *Handler) Token(w http.ResponseWriter, r *http.Request) {
	answer, err := h.exchange(r)
	if err != nil {
		oauth2.WriteError(w, r, err)
		return
	}
	h.Issued(r.PostForm.Get("grant_type"))
	pages.JSON(w, http.StatusOK, answer)
}

func (h *Handler) exchange(r *http.Request) (*tokenAnswer, error) {
	u := &unit{now: h.Now(), form: r.PostForm}
	ctx := withUnit(r.Context(), u)

	var err error
	if u.client, err = h.Authenticator.Authenticate(ctx, r); err != nil {
		return nil, err
	}
	if u.known, err = h.Scopes.Scopes(ctx); err != nil {
		return nil, err
	}
	grantType, err := h.checkGrantType(u)
	if err != nil {
		return nil, err
	}
	if grantType == client.GrantJWTBearer {
		return h.assert(ctx, u)
	}

	if err := h.askBefore(ctx, u); err != nil {
		return nil, err
	}
	request, err := h.engine.NewAccessRequest(ctx, r, newEngineSession(u.client.ID))
	if err := u.verdict(err); err != nil {
		return nil, err
	}
	if grantType == client.GrantClientCredentials {
		u.scopes, u.resources = ownScopes(request), request.GetRequestedAudience()
		if err := h.askAlone(ctx, u, u.client.ID); err != nil {
			return nil, err
		}
	}
	response, err := h.engine.NewAccessResponse(ctx, request)
	if err := u.verdict(err); err != nil {
		return nil, err
	}

	refresh, _ := response.GetExtra("refresh_token").(string)
	idToken, _ := response.GetExtra("id_token").(string)
	answer := u.answer(response.GetAccessToken())
	answer.RefreshToken, answer.IDToken = refresh, idToken
	u.noteDropped(ctx)
	return answer, nil
}

// checkGrantType refuses what the client may not do and what lacks its
// credential, before anything is claimed.
func (h *Handler) checkGrantType(u *unit) (string, error) {
	grantType := u.form.Get("grant_type")
	if grantType == "" {
		return "", oauth2.NewError(oauth2.CodeInvalidRequest, "The parameter grant_type is missing")
	}
	if !slices.Contains(client.GrantTypes(), grantType) {
		return "", oauth2.NewError(oauth2.CodeUnsupportedGrantType, "This grant type is not supported")
	}
	if !u.client.AllowsGrantType(grantType) {
		return "", oauth2.StandardError(oauth2.CodeUnauthorizedClient).Because(refusal.New(refusal.GrantTypeNotRegistered,
			"the client did not register the grant type", refusal.Registered("used_grant_type", grantType),
			refusal.Registered("registered_grant_types", strings.Join(u.client.GrantTypes, " "))))
	}
	if name := credential(grantType); name != "" && u.form.Get(name) == "" {
		return "", oauth2.NewError(oauth2.CodeInvalidRequest, "The parameter "+name+" is missing").
			Because(refusal.New(refusal.ParameterMissing, "the parameter "+name+" is missing"))
	}
	if grantType == client.GrantClientCredentials {
		return grantType, h.useResources(u)
	}
	return grantType, nil
}

// useResources checks the resource parameters (RFC 8707 section 2) and hands
// them to fosite under the name it knows.
func (h *Handler) useResources(u *unit) error {
	wanted := oauth2.Resources(u.form)
	for _, resource := range wanted {
		if !slices.Contains(u.client.Audience, resource) {
			return oauth2.StandardError(oauth2.CodeInvalidTarget)
		}
	}
	if len(wanted) > 0 {
		u.form["audience"] = wanted
	}
	return nil
}

// ownScopes returns the scopes of a token that a client gets for itself: what it
// asked for, but for the two that are about a person.
func ownScopes(request fosite.AccessRequester) []string {
	scopes := oauth2.WithoutUserScopes(request.GetRequestedScopes())
	for _, scope := range scopes {
		request.GrantScope(scope)
	}
	return scopes
}
