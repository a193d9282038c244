package authorize

import (
	"context"

	"github.com/ory/fosite"
	fositeoauth2 "github.com/ory/fosite/handler/oauth2"

	"github.com/ostiary/ostiary/internal/oauth2/tokens"
)

// strategy makes the tokens that fosite asks for out of the unit of work.
//
// A signature is how fosite names a token to its storage; since nothing is
// stored, ours is the token itself. Validation has happened in the claim.
type strategy struct {
	*Handler
}

var _ fositeoauth2.CoreStrategy = strategy{}

func (strategy) AuthorizeCodeSignature(_ context.Context, code string) string { return code }
func (strategy) RefreshTokenSignature(_ context.Context, token string) string { return token }
func (strategy) AccessTokenSignature(_ context.Context, token string) string  { return token }

func (strategy) ValidateAuthorizeCode(context.Context, fosite.Requester, string) error { return nil }

func (strategy) ValidateRefreshToken(context.Context, fosite.Requester, string) error { return nil }

func (strategy) ValidateAccessToken(context.Context, fosite.Requester, string) error {
	return errUnused
}

// GenerateAuthorizeCode returns the code of the grant about to be written.
func (s strategy) GenerateAuthorizeCode(ctx context.Context, _ fosite.Requester) (code, signature string, err error) {
	u := unitOf(ctx)
	if u.held == nil {
		return "", "", u.fail(errNoUnit)
	}
	code = s.Codec.Make(tokens.Code, u.held.Locator, 0, u.held.Seed)
	return code, code, nil
}

// GenerateRefreshToken returns the refresh token of the generation that the
// claim left current.
func (s strategy) GenerateRefreshToken(ctx context.Context, _ fosite.Requester) (token, signature string, err error) {
	u := unitOf(ctx)
	if u.held == nil {
		return "", "", u.fail(errNoUnit)
	}
	token = s.Codec.Make(tokens.Refresh, u.held.Locator, uint32(u.generation), u.held.Seed) //nolint:gosec // a generation a second fills 32 bits in 136 years
	return token, token, nil
}

// GenerateAccessToken mints an access token for the grant held, or for the
// client itself.
func (s strategy) GenerateAccessToken(ctx context.Context, _ fosite.Requester) (token, signature string, err error) {
	u := unitOf(ctx)
	token, err = s.mint(ctx, u)
	if err != nil {
		return "", "", u.fail(err)
	}
	return token, token, nil
}
