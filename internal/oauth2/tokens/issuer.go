package tokens

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/trustedissuer"
)

// Signer signs claims with the current key of an algorithm.
type Signer interface {
	SignClaims(ctx context.Context, alg jwks.Algorithm, typ string, claims any) (string, error)
}

// Issuer issues codes, access tokens, refresh tokens and ID tokens. All of its members are
// set.
type Issuer struct {
	Issuer    string // the iss claim
	Signer    Signer
	Encrypter oauth2.Encrypter // of ID tokens
	Codec     *Codec
	Sealer    *Sealer
	Subjects  client.Subjects
	Lifetimes Lifetimes

	OpaqueAccessToken bool // the default; a client may differ
	MinimalIDToken    bool // the default; a client may differ
	AccessTokenAlg    jwks.Algorithm
	ClaimStyle        ClaimStyle // of signed access tokens
	Log               *slog.Logger
}

// Request is the input for issuing tokens.
type Request struct {
	Now        time.Time
	Client     *client.Client
	GrantType  string     // decides the lifetimes; [client.GrantImplicit] at the authorization endpoint
	Registered *scope.Set // the scopes at the time of the request

	// Access is the access of the access token.
	Access scope.Access
	// Refresh adds a refresh token.
	Refresh bool
	// Nonce is a claim of the ID token; empty for none.
	Nonce string
	// AuthReqID is a claim of the ID token; empty for none.
	AuthReqID string
	// ThroughBrowser is set at the authorization endpoint, whose tokens pass the browser.
	ThroughBrowser bool

	// Grant is the grant under which the tokens are issued, nil for tokens without a user
	// who signed in here.
	Grant *grant.WithAccount
	// Subject and Trust are set for the assertion of a trusted issuer.
	Subject string
	Trust   *trustedissuer.Trust
	// ExtraClaims are added to access tokens without a grant.
	ExtraClaims grant.ExtraClaims
	// Sender is the key or certificate to which the access token is bound; zero for none.
	Sender grant.Confirmation
	// Exchange is set for a token exchange, nil otherwise.
	Exchange *Exchange
}

// Tokens are the issued tokens.
type Tokens struct {
	AccessToken  string
	ExpiresIn    time.Duration // of the access token
	RefreshToken string        // empty for none
	IDToken      string        // empty for none
}

// Issue issues the tokens of the token endpoint for r: an access token, a refresh token if r
// has one, and an ID token for a grant with the scope openid.
func (i *Issuer) Issue(ctx context.Context, r *Request) (issued Tokens, err error) {
	if r.Exchange != nil {
		return i.exchanged(ctx, r)
	}
	if issued.AccessToken, issued.ExpiresIn, err = i.AccessToken(ctx, r); err != nil {
		return issued, err
	}
	if r.Refresh {
		issued.RefreshToken = i.RefreshToken(r.Grant)
	}
	if r.Grant != nil && slices.Contains(r.Access.Scopes, oauth2.ScopeOpenID) {
		issued.IDToken, err = i.IDToken(ctx, r, IDTokenHashes{AccessToken: issued.AccessToken})
	}
	return issued, err
}

// exchanged issues the one token of a token exchange, in the place of the access token.
//
// Spec: RFC 8693 §2.2.1.
func (i *Issuer) exchanged(ctx context.Context, r *Request) (issued Tokens, err error) {
	if !r.Exchange.IDToken {
		issued.AccessToken, issued.ExpiresIn, err = i.AccessToken(ctx, r)
		return issued, err
	}
	issued.ExpiresIn = i.idTokenExpiry(r).Sub(r.Now)
	issued.AccessToken, err = i.IDToken(ctx, r, IDTokenHashes{})
	return issued, err
}

// Code returns the authorization code of a new grant.
func (i *Issuer) Code(g *grant.Grant) string { return i.Codec.Make(Code, g.Locator, 0, g.Seed) }

// RefreshToken returns the refresh token of the current generation of a grant.
func (i *Issuer) RefreshToken(g *grant.WithAccount) string {
	return i.Codec.Make(Refresh, g.Locator, uint32(g.RefreshGeneration), g.Seed) //nolint:gosec // a generation a second fills 32 bits in 136 years
}
