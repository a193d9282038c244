package token

import (
	"context"
	"strings"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/engine"
	"github.com/ostiary/ostiary/internal/scope"
)

// ClientCredentials is the grant type client_credentials. It runs through fosite, and writes
// nothing.
//
// Spec: RFC 6749 §4.4.
type ClientCredentials struct {
	Engine Engine
}

// Spec returns the name of the grant type.
func (*ClientCredentials) Spec() Spec { return Spec{Type: client.GrantClientCredentials} }

// Check checks the requested details, resources and scopes. Scopes about a user are left out.
func (g *ClientCredentials) Check(ctx context.Context, x *Exchange) (Candidate, error) {
	details, err := x.requestedDetails()
	if err != nil {
		return Candidate{}, err
	}
	resources, err := x.checkResources()
	if err != nil {
		return Candidate{}, err
	}
	run, err := g.Engine.ClientCredentials(ctx, engine.TokenRequest{Client: x.Client, Registered: x.Registered, HTTP: x.HTTP}, resources)
	if err != nil {
		return Candidate{}, err
	}
	requested := strings.Fields(x.Form.Get("scope"))
	return Candidate{
		Basis: Basis{
			RequestedScopes: requested,
			Access:          scope.Access{Scopes: oauth2.WithoutUserScopes(requested), Resources: resources, Details: details},
			Subject:         x.Client.ID,
		},
		Redeem: func(context.Context) (Redeemed, error) { return Redeemed{Issuer: run}, nil },
	}, nil
}
