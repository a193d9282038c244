package authorize

import (
	"context"

	"github.com/ory/fosite"
	fositeoauth2 "github.com/ory/fosite/handler/oauth2"
)

// codeHandler and ownHandler are fosite's, but for how tokens are handed out: from
// the unit, without the copies of the request that a store of tokens would want.
type (
	codeHandler struct {
		*fositeoauth2.AuthorizeExplicitGrantHandler

		strategy strategy
	}
	ownHandler struct {
		*fositeoauth2.ClientCredentialsGrantHandler

		strategy strategy
	}
)

var (
	_ fosite.TokenEndpointHandler = codeHandler{}
	_ fosite.TokenEndpointHandler = ownHandler{}
)

// PopulateTokenEndpointResponse hands out the tokens of a grant whose code was
// spent (RFC 6749 section 4.1.4).
func (c codeHandler) PopulateTokenEndpointResponse(ctx context.Context, request fosite.AccessRequester, response fosite.AccessResponder) error {
	if !c.CanHandleTokenEndpointRequest(ctx, request) {
		return fosite.ErrUnknownRequest
	}
	u := unitOf(ctx)
	return c.strategy.issueUnderGrant(ctx, u, response, u.mayRefresh())
}

// PopulateTokenEndpointResponse hands out a token that a client gets for itself
// (RFC 6749 section 4.4.3).
func (o ownHandler) PopulateTokenEndpointResponse(ctx context.Context, request fosite.AccessRequester, response fosite.AccessResponder) error {
	if !o.CanHandleTokenEndpointRequest(ctx, request) {
		return fosite.ErrUnknownRequest
	}
	u := unitOf(ctx)
	if u.held != nil {
		return u.fail(errNoUnit)
	}
	return o.strategy.issue(ctx, response)
}

// issueUnderGrant hands out an access token under the grant held, and a refresh
// token where refreshable.
func (s strategy) issueUnderGrant(ctx context.Context, u *unit, response fosite.AccessResponder, refreshable bool) error {
	if u.held == nil {
		return u.fail(errNoUnit)
	}
	if refreshable {
		refresh, _, err := s.GenerateRefreshToken(ctx, nil)
		if err != nil {
			return err
		}
		response.SetExtra("refresh_token", refresh)
	}
	return s.issue(ctx, response)
}

func (s strategy) issue(ctx context.Context, response fosite.AccessResponder) error {
	token, _, err := s.GenerateAccessToken(ctx, nil)
	if err != nil {
		return err
	}
	response.SetAccessToken(token)
	response.SetTokenType("bearer")
	return nil
}
