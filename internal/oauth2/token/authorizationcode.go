package token

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/engine"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/refusal"
)

// Engine runs the grant types that fosite serves, as [engine.Engine] does.
type Engine interface {
	RedeemCode(ctx context.Context, r engine.TokenRequest, code engine.Code) (*engine.Run, error)
	ClientCredentials(ctx context.Context, r engine.TokenRequest, resources []string) (*engine.Run, error)
}

// Codes redeems authorization codes. Each method is one statement.
type Codes interface {
	LiveGrants
	// RedeemCode returns [grant.ErrNotFound] for an invalid code, and [grant.ErrSpent] with
	// the grant for a code that was used before.
	RedeemCode(ctx context.Context, r grant.CodeRedemption) (*grant.WithAccount, error)
	RevokeGrant(ctx context.Context, ref grant.Locator, clientID string, why grant.RevocationReason, now time.Time) error
}

// LiveGrants reads grants without changing them.
type LiveGrants interface {
	// LiveGrant returns [grant.ErrNotFound] for a grant that is revoked or has ended.
	LiveGrant(ctx context.Context, ref grant.Locator, jti string, now time.Time) (*grant.WithAccount, error)
}

// AuthorizationCode is the grant type authorization_code, with PKCE. It runs through fosite.
//
// Spec: RFC 6749 §4.1.3, RFC 7636 §4.5, OpenID Connect Core §3.1.3.
type AuthorizationCode struct {
	Engine Engine
	Codec  *tokens.Codec
	Grants Codes
}

// Spec returns the name of the grant type.
func (*AuthorizationCode) Spec() Spec {
	return Spec{Type: client.GrantAuthorizationCode, Credential: "code"}
}

// Check finds the grant of the code where hooks need it.
func (g *AuthorizationCode) Check(ctx context.Context, x *Exchange) (Candidate, error) {
	candidate := Candidate{Redeem: func(ctx context.Context) (Redeemed, error) { return g.redeem(ctx, x) }}
	if !x.HooksFollow {
		return candidate, nil
	}
	var err error
	candidate.Grant, err = g.peekGrant(ctx, x)
	return candidate, err
}

// redeem redeems the code: it checks the code, redirect_uri and code_verifier, in this order.
// A request that fails one of them has used up the code.
func (g *AuthorizationCode) redeem(ctx context.Context, x *Exchange) (Redeemed, error) {
	code := &redeemedCode{AuthorizationCode: g, x: x}
	run, err := g.Engine.RedeemCode(ctx, engine.TokenRequest{Client: x.Client, Registered: x.Registered, HTTP: x.HTTP}, code)
	if err != nil {
		return Redeemed{}, code.explain(err)
	}
	return Redeemed{Grant: code.grant, Refresh: RefreshIfOffline, Nonce: code.grant.Authorization.Nonce, Issuer: run}, nil
}

// redeemedCode is the code of one request, for the engine.
type redeemedCode struct {
	*AuthorizationCode

	x     *Exchange
	grant *grant.WithAccount // nil until the code is redeemed
	cause *refusal.Cause     // of a code that was refused
}

// Redeem marks the code as used.
func (c *redeemedCode) Redeem(ctx context.Context) (*grant.WithAccount, error) {
	handle, err := c.Codec.Parse(tokens.Code, c.x.Form.Get("code"))
	if err != nil {
		c.cause = refusal.New(refusal.CodeMalformed, "the code is not one of this server, or its system secret was removed")
		return nil, grant.ErrNotFound
	}
	found, err := c.Grants.RedeemCode(ctx, grant.CodeRedemption{
		Ref: handle.Ref, ClientID: c.x.Client.ID, Trial: c.x.trial, Sender: c.x.Sender, BindRefresh: c.x.Client.IsPublic(), Authorization: c.x.Authorization, TokensUntil: c.x.AccessUntil, Now: c.x.Now,
	})
	isReused := errors.Is(err, grant.ErrSpent)
	if err != nil && !isReused {
		c.cause = refusal.Of(err)
		return nil, err
	}
	switch {
	case !c.Codec.Belongs(tokens.Code, handle, found.Seed):
		c.cause = refusal.New(refusal.CodeMalformed, "the code was made up: its signature is wrong")
		return nil, grant.ErrNotFound
	case isReused && c.isDoubleSubmit(found):
		c.cause = refusal.Of(err)
		return nil, grant.ErrNotFound
	case isReused:
		c.cause = reused(refusal.CodeReplayed, found)
	}
	c.grant = found
	return found, err
}

// Revoke revokes the grant of a code that was used before.
//
// Spec: RFC 6749 §4.1.2.
func (c *redeemedCode) Revoke(ctx context.Context, g *grant.WithAccount) error {
	return c.Grants.RevokeGrant(ctx, g.Locator, c.x.Client.ID, grant.RevokedForCodeReuse, c.x.Now)
}

// doubleSubmitWindow is the time after its redemption in which a code may be sent again by its
// own client without revoking the grant: a double submit is no attack.
const doubleSubmitWindow = time.Second

// isDoubleSubmit reports whether a redeemed code is sent again by the client that it was
// issued to, which the store has checked, with the same redirect URI and the right verifier.
// An attacker lacks the verifier.
func (c *redeemedCode) isDoubleSubmit(g *grant.WithAccount) bool {
	return c.x.Now.Sub(g.CodeRedeemedAt) <= doubleSubmitWindow &&
		c.x.Form.Get("redirect_uri") == g.Authorization.RedirectURI &&
		verifies(c.x.Form.Get("code_verifier"), g.Authorization.Challenge)
}

// explain adds the cause to a refusal of fosite, which has one error for all invalid codes.
func (c *redeemedCode) explain(err error) error {
	response, ok := errors.AsType[*oauth2.Error](err)
	if !ok {
		return err
	}
	cause := c.cause
	if cause == nil && c.grant != nil {
		cause = c.mismatch()
	}
	if cause == nil {
		return err
	}
	if cause.Rule == refusal.KeyMismatch {
		return oauth2.StandardError(oauth2.CodeInvalidDPoPProof).Because(cause)
	}
	explained := *cause
	response.Err = explained.WithError(response.Err)
	return err
}

// mismatch compares the token request with the authorization request as fosite did. It
// returns nil if they match.
//
// Spec: RFC 6749 §4.1.3, RFC 7636 §4.6.
func (c *redeemedCode) mismatch() *refusal.Cause {
	expected, received := c.grant.Authorization.RedirectURI, c.x.Form.Get("redirect_uri")
	challenge, verifier := c.grant.Authorization.Challenge, c.x.Form.Get("code_verifier")
	var cause *refusal.Cause
	switch {
	case expected != "" && received == "":
		cause = refusal.New(refusal.RedirectURIMissing, "the token request has no redirect_uri, the authorization request had one",
			refusal.Registered("expected_redirect_uri", expected))
	case expected != received:
		cause = refusal.New(refusal.RedirectURIMismatch, "redirect_uri differs from the authorization request",
			refusal.Registered("expected_redirect_uri", expected), refusal.Received("received_redirect_uri", received))
	case challenge != "" && verifier == "":
		cause = refusal.New(refusal.VerifierMissing, "code_verifier is missing, the authorization request had a code_challenge")
	case challenge == "" && verifier != "":
		cause = refusal.New(refusal.VerifierUnexpected, "the request has a code_verifier, the authorization request had no code_challenge")
	case challenge != "" && !verifies(verifier, challenge):
		cause = refusal.New(refusal.VerifierMismatch, "code_verifier does not match the code_challenge of the authorization request")
	default:
		return nil
	}
	cause.Text += "; the code is spent"
	return cause.WithGrant(c.grant.ID.String())
}

// reused explains that a code was used before, which revokes its grant.
func reused(rule refusal.Rule, g *grant.WithAccount) *refusal.Cause {
	return refusal.New(rule, "the code was spent before; the grant is revoked", refusal.At("code_spent_at", g.CodeRedeemedAt)).
		WithGrant(g.ID.String()).AsWarning()
}

// peekGrant returns the grant that the code would redeem, as it is now, or nil if redeeming
// the code is bound to fail.
func (g *AuthorizationCode) peekGrant(ctx context.Context, x *Exchange) (*grant.WithAccount, error) {
	handle, err := g.Codec.Parse(tokens.Code, x.Form.Get("code"))
	if err != nil {
		return nil, nil //nolint:nilerr // Redeem returns the reason
	}
	found, err := g.Grants.LiveGrant(ctx, handle.Ref, "", x.Now)
	if errors.Is(err, grant.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	challenge, verifier := found.Authorization.Challenge, x.Form.Get("code_verifier")
	isRedeemable := found.ClientID == x.Client.ID && (found.Kind == grant.KindTrial) == x.trial && found.BoundTo().AllowsSender(x.Sender) && g.Codec.Belongs(tokens.Code, handle, found.Seed) &&
		found.CodeRedeemedAt.IsZero() && x.Now.Before(found.CodeExpiresAt) &&
		x.Form.Get("redirect_uri") == found.Authorization.RedirectURI &&
		(challenge == "" && verifier == "" || verifies(verifier, challenge))
	if !isRedeemable {
		return nil, nil
	}
	return found, nil
}

// verifies reports whether verifier matches a challenge by S256. Nothing matches an empty
// challenge.
//
// Spec: RFC 7636 §4.6.
func verifies(verifier, challenge string) bool {
	sum := sha256.Sum256([]byte(verifier))
	got := base64.RawURLEncoding.EncodeToString(sum[:])
	return challenge != "" && subtle.ConstantTimeCompare([]byte(got), []byte(challenge)) == 1
}
