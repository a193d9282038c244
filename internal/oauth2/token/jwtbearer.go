package token

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/assertion"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/scope"
)

// Assertions reads the assertions of trusted issuers, as [assertion.Reader] does.
type Assertions interface {
	Open(ctx context.Context, compact string, now time.Time) (*assertion.Assertion, error)
	// Spend marks an assertion as used: of any number of concurrent callers one succeeds.
	Spend(ctx context.Context, a *assertion.Assertion, now time.Time) error
}

// Accounts reads accounts.
type Accounts interface {
	// Account returns [account.ErrNotFound] for an unknown subject.
	Account(ctx context.Context, subject string) (*account.Account, error)
}

// JWTBearer is the grant type urn:ietf:params:oauth:grant-type:jwt-bearer.
//
// Spec: RFC 7521 §4.1; RFC 7523 §2.1, §3.1.
type JWTBearer struct {
	Assertions Assertions
	Accounts   Accounts
	Issuer     Issuer
}

// Spec returns the name of the grant type.
func (*JWTBearer) Spec() Spec { return Spec{Type: client.GrantJWTBearer, Credential: "assertion"} }

// Check reads the assertion. The client may get scopes that it registered, if the operator
// trusts the issuer with them. The audience of the assertion has no influence on that of the
// token.
func (g *JWTBearer) Check(ctx context.Context, x *Exchange) (Candidate, error) {
	if x.Form.Has(detail.Parameter) { // no trust in an issuer includes them
		return Candidate{}, oauth2.NewError(oauth2.CodeInvalidDetails, "This grant type does not grant authorization_details")
	}
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
	if err := g.checkGroups(ctx, x.Client, asserted.Subject); err != nil {
		return Candidate{}, err
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

// checkGroups returns an error unless the subject may use the client. A subject without an account
// is in no group. The account is read only if the client has allowed groups.
func (g *JWTBearer) checkGroups(ctx context.Context, c *client.Client, subject string) error {
	if len(c.AllowedGroups) == 0 {
		return nil
	}
	a, err := g.Accounts.Account(ctx, subject)
	switch {
	case err != nil && !errors.Is(err, account.ErrNotFound):
		return fmt.Errorf("read account: %w", err)
	case err != nil || !c.Admits(a.Groups):
		return errNotAdmitted(subject)
	}
	return nil
}

// errNotAdmitted is the error for a user in none of the groups that may use the client.
func errNotAdmitted(subject string) error {
	return oauth2.NewError(oauth2.CodeInvalidGrant, "The user may not use this client").
		Because(refusal.New(refusal.GroupNotAllowed, "the user is in none of the groups that may use the client", refusal.Registered("subject", subject)))
}
