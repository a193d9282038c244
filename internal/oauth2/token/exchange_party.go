package token

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/jws"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/assertion"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/trustedissuer"
)

// party is the subject or the actor of a token exchange, as its token presents it.
type party struct {
	role     string // subject or actor
	subject  string // the sub of its token
	clientID string // to which its token was issued; empty for a JWT of a trusted issuer
	scopes   []string
	details  detail.List
	audience []string // of an access token
	until    time.Time
	authTime int64
	acr      string
	bound    grant.Confirmation // the key or certificate to which its token is bound
	act      *grant.Actor
	mayAct   []byte // a JSON object, empty for none

	sources   []grant.Source     // its token, and those that it came from
	grant     *grant.WithAccount // of its user; nil for none
	trust     *trustedissuer.Trust
	assertion *assertion.Assertion // of trust, not yet used up; nil for none
}

// open reads the token of a role and verifies it. It does not decide what the client may do with it.
//
// Spec: RFC 8693 §2.1, §3.
func (g *ExchangeGrant) open(ctx context.Context, x *Exchange, role string) (*party, error) {
	token := x.Form.Get(role + "_token")
	if token == "" {
		return nil, oauth2.InvalidRequest("The parameter " + role + "_token is missing")
	}
	p := &party{role: role}
	var err error
	switch x.Form.Get(role + "_token_type") {
	case typeAccessToken:
		err = g.openAccessToken(ctx, x, p, token)
	case typeRefreshToken:
		err = g.openRefreshToken(ctx, x, p, token)
	case typeIDToken:
		err = g.openIDToken(ctx, x, p, token)
	case typeJWT:
		err = g.openJWT(ctx, x, p, token)
	case "":
		return nil, oauth2.InvalidRequest("The parameter " + role + "_token_type is missing")
	default:
		return nil, oauth2.InvalidRequest(role + "_token_type must be access_token, refresh_token, id_token or jwt")
	}
	if err != nil {
		return nil, refuseToken(role+"_token", err)
	}
	return p, nil
}

func (g *ExchangeGrant) openAccessToken(ctx context.Context, x *Exchange, p *party, token string) error {
	claims, found, err := g.Tokens.Active(ctx, token, x.Now)
	if err != nil {
		return err
	}
	p.subject, p.clientID, p.scopes, p.audience = claims.Subject, claims.ClientID, strings.Fields(claims.Scope), claims.Audience
	p.until, p.authTime, p.acr, p.bound = time.Unix(claims.Expiry, 0), claims.AuthTime, claims.ACR, claims.Confirmation
	p.act, p.mayAct, p.grant, p.details = claims.Actor, claims.MayAct, found, claims.Details
	if claims.Trust != "" {
		p.trust = &trustedissuer.Trust{ID: claims.Trust}
	}
	p.sources, err = claims.Lineage()
	return err
}

// openRefreshToken reads a refresh token, which only its client may present. It is not rotated.
func (g *ExchangeGrant) openRefreshToken(ctx context.Context, x *Exchange, p *party, token string) error {
	handle, err := g.Codec.Parse(tokens.Refresh, token)
	if err != nil {
		return refusal.Wrap(grant.ErrNotFound, refusal.RefreshMalformed, "the refresh token is not one of this server, or its system secret was removed")
	}
	found, err := g.Grants.LiveGrant(ctx, handle.Ref, "", x.Now)
	switch {
	case errors.Is(err, grant.ErrNotFound):
		return refusal.Wrap(grant.ErrNotFound, refusal.GrantRevoked, "the grant of the refresh token was revoked, or its session, account or client has ended").
			WithGrant(handle.Ref.ID.String())
	case err != nil:
		return err
	case found.ClientID != x.Client.ID:
		return refusal.Wrap(grant.ErrNotFound, refusal.RefreshOtherClient, "the refresh token was issued to another client",
			refusal.Registered("issued_to", found.ClientID)).WithGrant(handle.Ref.ID.String())
	case found.RefreshGeneration != int64(handle.Generation) || !x.Now.Before(found.ExpiresAt) || !g.Codec.Belongs(tokens.Refresh, handle, found.Seed):
		return refusal.Wrap(grant.ErrNotFound, refusal.RefreshExpired, "the refresh token has expired, was rotated, or was made up").WithGrant(handle.Ref.ID.String())
	}
	p.ofGrant(found, nil)
	p.until, p.bound = found.ExpiresAt, found.BoundTo()
	p.grant.TokensUntil = time.Time{} // its refresh token keeps the row
	return nil
}

func (g *ExchangeGrant) openIDToken(ctx context.Context, x *Exchange, p *party, token string) error {
	claims, found, sources, err := g.Tokens.ActiveIDToken(ctx, token, x.Client.ID, x.Now)
	if err != nil {
		return err
	}
	p.ofGrant(found, sources)
	p.subject, p.act, p.clientID = claims.Subject, claims.Actor, x.Client.ID
	p.until, p.authTime, p.bound = time.Unix(claims.Expiry, 0), claims.AuthTime, found.BoundTo()
	return nil
}

// ofGrant sets what the grant of a user says, which its client presents by another token than an
// access token.
func (p *party) ofGrant(found *grant.WithAccount, sources []grant.Source) {
	p.grant, p.subject, p.clientID, p.scopes = found, found.Subject, found.ClientID, found.Scopes
	p.authTime, p.acr, p.sources, p.details = found.Authorization.AuthTime, found.Authorization.ACR, sources, found.Authorization.Details
	if len(sources) == 0 {
		p.sources = []grant.Source{{ClientID: found.ClientID, Grant: found.Locator}}
	}
}

// openJWT reads a JWT of a trusted issuer, or an access token of this server that is a JWT.
//
// Spec: RFC 8693 §3, RFC 7523 §3.
func (g *ExchangeGrant) openJWT(ctx context.Context, x *Exchange, p *party, token string) error {
	if signed, err := jws.Parse(token); err == nil && strings.EqualFold(strings.TrimPrefix(signed.Header.Text("typ"), "application/"), "at+jwt") {
		return g.openAccessToken(ctx, x, p, token)
	}
	asserted, err := g.Assertions.Open(ctx, token, x.Now)
	if err != nil {
		return err
	}
	p.subject, p.trust, p.assertion, p.scopes, p.until = asserted.Subject, asserted.Trust, asserted, asserted.Trust.Scopes, asserted.Expires
	if asserted.Trust.ExpiresAt.Before(p.until) {
		p.until = asserted.Trust.ExpiresAt
	}
	p.sources = []grant.Source{{IssuedAt: x.Now, Trust: asserted.Trust.ID, Subject: asserted.Subject}}
	return nil
}

// refuseToken returns the error for a token that is invalid, or err where that cannot be decided now.
//
// Spec: RFC 8693 §2.2.2.
func refuseToken(name string, err error) error {
	refused := oauth2.InvalidRequest("The " + name + " is invalid, expired, revoked, or not for this client")
	if known, ok := errors.AsType[*oauth2.Error](err); ok && known.Code == oauth2.CodeInvalidGrant {
		refused.Rule, refused.Reason, refused.Err = known.Rule, known.Description, known.Err
		return refused
	}
	if !errors.Is(err, tokens.ErrInactive) && !errors.Is(err, grant.ErrNotFound) {
		return err
	}
	return refused.Because(refusal.Of(err))
}

// clone returns the grant of the user as one of c, nil for none.
func (p *party) clone(c *client.Client) *grant.WithAccount {
	if p.grant == nil {
		return nil
	}
	return p.grant.WithoutClaims(c.ID)
}

// origin names the client or the issuer of the token of the party, for the audit log.
func (p *party) origin() string {
	if p.clientID == "" && p.trust != nil {
		return p.trust.Issuer
	}
	return p.clientID
}
