package token

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/assertion"
	"github.com/ostiary/ostiary/internal/scope"
)

// Assertions reads the assertions of trusted issuers, as [assertion.Reader] does.
type Assertions interface {
	Open(ctx context.Context, compact string, now time.Time) (*assertion.Assertion, error)
	// Spend marks an assertion as used: of any number of concurrent callers one succeeds.
	Spend(ctx context.Context, a *assertion.Assertion, now time.Time) error
}

// JWTBearer is the grant type urn:ietf:params:oauth:grant-type:jwt-bearer.
//
// Spec: RFC 7521 §4.1; RFC 7523 §2.1, §3.1.
type JWTBearer struct {
	Assertions Assertions
	Issuer     Issuer
}

// Spec returns the name of the grant type.
func (*JWTBearer) Spec() Spec { return Spec{Type: client.GrantJWTBearer, Credential: "assertion"} }

// Check reads the assertion. The client may get scopes that it registered, if the operator
// trusts the issuer with them. The audience of the assertion has no influence on that of the
// token.
func (g *JWTBearer) Check(ctx context.Context, x *Exchange) (Candidate, error) {
	resources, err := x.checkResources()
	if err != nil {
		return Candidate{}, err
	}
	asserted, err := g.Assertions.Open(ctx, x.Form.Get("assertion"), x.Now)
	if err != nil {
		return Candidate{}, err
	}
	requested := strings.Fields(x.Form.Get("scope"))
	scopes := oauth2.WithoutUserScopes(requested)
	allowed := x.Registered.Allowed(x.Client)
	isMore := slices.ContainsFunc(scopes, func(s string) bool { return !slices.Contains(allowed, s) })
	if isMore || !asserted.Trust.Allows(scopes) {
		return Candidate{}, oauth2.NewError(oauth2.CodeInvalidScope, "The client, or the issuer of the assertion, may not have this scope")
	}
	return Candidate{
		Basis: Basis{
			RequestedScopes: requested, Access: scope.Access{Scopes: scopes, Resources: resources},
			Subject: asserted.Subject, Trust: asserted.Trust,
		},
		Redeem: func(ctx context.Context) (Redeemed, error) {
			return Redeemed{Issuer: g.Issuer}, g.Assertions.Spend(ctx, asserted, x.Now)
		},
	}, nil
}
