package token

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/onetime"
	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/trustedissuer"
)

// Grant is a grant type. The handler calls Check and then Redeem of the result; between them
// and after them it runs the phases that all grants share.
type Grant interface {
	Spec() Spec
	// Check checks the request before its credential is used up, so that a mistake in the
	// request, or a hook that denies it, does not cost the client the credential. It returns
	// the basis of the tokens, and a function that redeems the credential.
	Check(ctx context.Context, x *Exchange) (Candidate, error)
}

// Spec describes a grant type.
type Spec struct {
	Type        string // the value of grant_type
	Credential  string // the parameter that is redeemed; empty for none
	RefreshHook bool   // the refresh hook is called before the token hook
}

// Exchange is one token request of an authenticated client.
type Exchange struct {
	Now        time.Time
	Client     *client.Client
	Registered *scope.Set // the scopes at the time of the request
	Form       url.Values
	HTTP       *http.Request // that Form is of
	// HooksFollow is set if hooks will be called: they need the grant.
	HooksFollow bool
	// AccessUntil bounds the end of the access token. Redeem writes it into the grant.
	AccessUntil time.Time
	// Sender is the key or certificate that the client proved and to which the tokens are bound;
	// zero for none.
	Sender grant.Confirmation

	// The results of hooks, for Redeem: Authorization replaces that of the grant, nil leaves
	// it unchanged; ExtraClaims are for an access token without a grant.
	Authorization *grant.Authorization
	ExtraClaims   grant.ExtraClaims

	once        *onetime.Values // of the client's authentication and proof
	trial       bool            // of the administrators' console
	spec        Spec
	hooksCalled bool
	request     tokens.Request // of the issuer
}

// Basis holds the grant that tokens are issued under, or its replacement for tokens without a
// user.
type Basis struct {
	// Grant is nil for tokens without a user.
	Grant *grant.WithAccount
	// RequestedScopes are the scopes that the request names. They narrow those of Grant;
	// none requests all of them.
	RequestedScopes []string

	// IsNarrowed is set if Access is the access of the token with a grant too.
	IsNarrowed bool
	// Without a grant, Access is the access of the token, Subject its sub claim, and Trust the
	// trusted issuer of the assertion, if there is one.
	Access  scope.Access
	Subject string
	Trust   *trustedissuer.Trust
}

// Candidate is a token request that passed its checks.
type Candidate struct {
	// Basis is the input of hooks. They are not called if it has neither a grant nor a
	// subject: then Redeem fails and returns the reason.
	Basis
	// Redeem uses up the credential. Of any number of concurrent callers one succeeds.
	Redeem func(ctx context.Context) (Redeemed, error)
}

// Redeemed is the result of redeeming a credential.
type Redeemed struct {
	// Grant is the grant of the credential as it is now; nil for tokens without a user.
	Grant   *grant.WithAccount
	Refresh RefreshTokens
	// Nonce is a claim of the ID token; empty for none.
	Nonce string
	// AuthReqID is the auth_req_id that was redeemed, a claim of the ID token; empty for none.
	AuthReqID string
	// IssuedType is the type of the token of a token exchange; empty otherwise.
	IssuedType string
	// Issuer issues the tokens: [tokens.Issuer], or the engine for the flows of fosite.
	Issuer Issuer
}

// Issuer issues tokens.
type Issuer interface {
	Issue(ctx context.Context, r *tokens.Request) (tokens.Tokens, error)
}

// RefreshTokens says whether a grant type issues refresh tokens.
type RefreshTokens int

// The policies of grant types.
const (
	NoRefreshToken RefreshTokens = iota
	// RefreshIfOffline issues one with the scope offline_access, if the client may use it.
	RefreshIfOffline
	AlwaysRefresh
)

// issues reports whether c gets a refresh token with an access token that has scopes.
func (p RefreshTokens) issues(c *client.Client, scopes []string) bool {
	return p == AlwaysRefresh ||
		p == RefreshIfOffline && slices.ContainsFunc(scopes, grant.IsOfflineScope) && c.AllowsGrantType(client.GrantRefreshToken)
}

// find returns the grant type with a name.
func find(grants []Grant, grantType string) (Grant, bool) {
	i := slices.IndexFunc(grants, func(g Grant) bool { return g.Spec().Type == grantType })
	if i < 0 {
		return nil, false
	}
	return grants[i], true
}
