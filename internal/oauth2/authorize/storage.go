package authorize

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/ory/fosite"
	fositeoauth2 "github.com/ory/fosite/handler/oauth2"
	"github.com/ory/fosite/handler/openid"
	"github.com/ory/fosite/handler/pkce"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/refusal"
)

// storage answers fosite from the unit of work. The first read of a code is its
// claim, the one statement of the exchange; every other call reads the unit or
// does nothing. There are no transactions to join: a claim is its own.
type storage struct {
	*Handler
}

var (
	_ fosite.Storage                      = storage{}
	_ fositeoauth2.CoreStorage            = storage{}
	_ fositeoauth2.TokenRevocationStorage = storage{}
	_ pkce.PKCERequestStorage             = storage{}
	_ openid.OpenIDConnectRequestStorage  = storage{}
)

// GetClient returns the client that the endpoint has looked up.
func (storage) GetClient(ctx context.Context, id string) (fosite.Client, error) {
	u := unitOf(ctx)
	if u.client == nil || u.client.ID != id {
		return nil, fosite.ErrNotFound
	}
	view := u.engineClient()
	if u.held != nil {
		view.redirectURI = u.held.Authorization.RedirectURI
	}
	return view, nil
}

// GetAuthorizeCodeSession claims the code (RFC 6749 section 4.1.2). What fails
// after it finds the code burned, so no second try can leave out the verifier.
func (s storage) GetAuthorizeCodeSession(ctx context.Context, code string, _ fosite.Session) (fosite.Requester, error) {
	u := unitOf(ctx)
	if u.held != nil {
		return u.requester(), nil
	}
	if u.err != nil {
		return nil, u.err
	}
	handle, err := s.Codec.Parse(tokens.Code, code)
	if err != nil {
		u.cause = refusal.New(refusal.CodeMalformed, "the code is none of this server's, or its system secret was removed")
		return nil, fosite.ErrNotFound
	}
	held, err := s.Grants.RedeemCode(ctx, grant.CodeRedemption{Ref: handle.Ref, ClientID: u.client.ID, Authorization: u.detail, TokensUntil: s.tokensUntil(u), Now: u.now})
	spent := errors.Is(err, grant.ErrSpent)
	u.cause = refusal.Of(err)
	switch {
	case errors.Is(err, grant.ErrNotFound):
		return nil, fosite.ErrNotFound
	case err != nil && !spent:
		return nil, u.fail(err)
	case !s.Codec.Belongs(tokens.Code, handle, held.Seed):
		u.cause = refusal.New(refusal.CodeMalformed, "the code was made up: its signature is wrong")
		return nil, fosite.ErrNotFound
	case spent && u.doubleSubmit(held):
		return nil, fosite.ErrNotFound
	}
	u.hold(held)
	if spent {
		u.cause = replayedCode(refusal.CodeReplayed, held)
		return u.requester(), fosite.ErrInvalidatedAuthorizeCode
	}
	access, err := u.narrow(held)
	if err != nil {
		return nil, u.fail(err)
	}
	u.take(access)
	return u.requester(), nil
}

// RevokeRefreshToken ends the grant whose code came a second time.
func (s storage) RevokeRefreshToken(ctx context.Context, _ string) error {
	u := unitOf(ctx)
	if u.held == nil {
		return u.fail(errNoUnit)
	}
	if err := s.Grants.RevokeGrant(ctx, u.held.Locator, u.client.ID, grant.RevokedForCodeReuse, u.now); err != nil {
		return u.fail(err)
	}
	return nil
}

// RevokeAccessToken does nothing: access tokens live and die with their grant,
// which RevokeRefreshToken ends.
func (storage) RevokeAccessToken(context.Context, string) error { return nil }

// GetPKCERequestSession returns the challenge of the code that was claimed.
func (storage) GetPKCERequestSession(ctx context.Context, _ string, _ fosite.Session) (fosite.Requester, error) {
	u := unitOf(ctx)
	if u.held == nil || u.held.Authorization.Challenge == "" {
		return nil, fosite.ErrNotFound
	}
	return u.requester(), nil
}

// GetOpenIDConnectSession returns the request if it was one of OpenID Connect.
func (storage) GetOpenIDConnectSession(ctx context.Context, _ string, _ fosite.Requester) (fosite.Requester, error) {
	u := unitOf(ctx)
	if u.held == nil || !slices.Contains(u.scopes, oauth2.ScopeOpenID) {
		return nil, openid.ErrNoSessionFound
	}
	return u.requester(), nil
}

// What follows has nothing to do: a grant is written once by the authorization
// endpoint, and a claim has already changed everything there is to change.

func (storage) CreateAuthorizeCodeSession(context.Context, string, fosite.Requester) error {
	return nil
}

func (storage) InvalidateAuthorizeCodeSession(context.Context, string) error { return nil }

func (storage) CreateAccessTokenSession(context.Context, string, fosite.Requester) error { return nil }

func (storage) CreatePKCERequestSession(context.Context, string, fosite.Requester) error { return nil }

func (storage) DeletePKCERequestSession(context.Context, string) error { return nil }

func (storage) CreateOpenIDConnectSession(context.Context, string, fosite.Requester) error {
	return nil
}
func (storage) DeleteOpenIDConnectSession(context.Context, string) error { return nil }
func (storage) RotateRefreshToken(context.Context, string, string) error { return nil }

func (storage) CreateRefreshTokenSession(context.Context, string, string, fosite.Requester) error {
	return nil
}

// What follows fosite never calls, since these ways are ours.

func (storage) GetAccessTokenSession(context.Context, string, fosite.Session) (fosite.Requester, error) {
	return nil, errUnused
}

func (storage) GetRefreshTokenSession(context.Context, string, fosite.Session) (fosite.Requester, error) {
	return nil, errUnused
}

func (storage) ClientAssertionJWTValid(context.Context, string) error { return errUnused }

func (storage) SetClientAssertionJWT(context.Context, string, time.Time) error { return errUnused }

func (storage) DeleteAccessTokenSession(context.Context, string) error  { return errUnused }
func (storage) DeleteRefreshTokenSession(context.Context, string) error { return errUnused }
