package authorize

import (
	"context"
	"strings"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/oauth2"
)

// assert answers a token request that brings the assertion of a trusted issuer. The
// client may get scopes that it registered and that the operator trusts the issuer
// with. Whom the assertion was for is no business of the token's.
//
// What is wrong with the request, or refused by a hook, is told before the assertion is
// spent.
//
// Spec: RFC 7521 §4.1; RFC 7523 §2.1, §3.1.
func (h *Handler) assert(ctx context.Context, u *unit) (*tokenAnswer, error) {
	if err := h.useResources(u); err != nil {
		return nil, err
	}
	var err error
	if u.asserted, err = h.Assertions.Open(ctx, u.form.Get("assertion"), u.now); err != nil {
		return nil, err
	}
	u.scopes = oauth2.WithoutUserScopes(strings.Fields(u.form.Get("scope")))
	if len(common(u.scopes, u.known.Allowed(u.client))) < len(u.scopes) || !u.asserted.Trust.Allows(u.scopes) {
		return nil, oauth2.NewError(oauth2.CodeInvalidScope, "The client, or the issuer of the assertion, may not have this scope")
	}
	u.resources = oauth2.Resources(u.form)
	if err := h.askAlone(ctx, u, u.asserted.Subject); err != nil {
		return nil, err
	}
	if err := h.Assertions.Spend(ctx, u.asserted, u.now); err != nil {
		return nil, err
	}
	token, err := h.mint(ctx, u)
	if err != nil {
		return nil, err
	}
	u.noteDropped(ctx)
	return u.answer(token), nil
}

// answer is what the client gets with an access token.
func (u *unit) answer(accessToken string) *tokenAnswer {
	return &tokenAnswer{
		AccessToken: accessToken, TokenType: "Bearer", ExpiresIn: int64(u.expiresIn.Seconds()), Scope: strings.Join(u.scopes, " "),
	}
}

// credential is the parameter without which a grant type is nothing.
func credential(grantType string) string {
	switch grantType {
	case client.GrantAuthorizationCode:
		return "code"
	case client.GrantRefreshToken:
		return "refresh_token"
	case client.GrantDeviceCode:
		return "device_code"
	case client.GrantJWTBearer:
		return "assertion"
	default:
		return ""
	}
}
