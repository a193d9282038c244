package token

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/apiresource"
	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/scope"
)

// The token types.
//
// Spec: RFC 8693 §3.
const (
	tokenTypes       = "urn:ietf:params:oauth:token-type:" //nolint:gosec // not a credential
	typeAccessToken  = tokenTypes + "access_token"
	typeRefreshToken = tokenTypes + "refresh_token"
	typeIDToken      = tokenTypes + "id_token"
	typeJWT          = tokenTypes + "jwt"
)

// ActionExchange is the audit action of a token exchange. Its target is the subject.
const ActionExchange = "token.exchange"

// maxSources is the maximum number of tokens that an exchanged token comes from: two for each
// exchange.
const maxSources = 2 * client.MaxActDepth

// Exchangeable reads the tokens of this server that are exchanged, as [tokens.Reader] does.
type Exchangeable interface {
	Active(ctx context.Context, token string, now time.Time) (*tokens.AccessClaims, *grant.WithAccount, error)
	ActiveIDToken(ctx context.Context, token, clientID string, now time.Time) (*tokens.IDClaims, *grant.WithAccount, []grant.Source, error)
}

// ExchangeGrant is the grant type urn:ietf:params:oauth:grant-type:token-exchange. The token has no
// row: it names the grants, tokens and clients that it comes from, and is valid while they are. An
// exchange writes one audit event.
//
// Spec: RFC 8693.
type ExchangeGrant struct {
	JWTBearer // reads the JWTs of trusted issuers

	URL    string // of the issuer
	Tokens Exchangeable
	Codec  *tokens.Codec
	Grants LiveGrants
	// Record writes the event of an exchange.
	Record func(ctx context.Context, e *audit.Event) error
}

// Spec returns the name of the grant type.
func (*ExchangeGrant) Spec() Spec {
	return Spec{Type: client.GrantTokenExchange, Credential: "subject_token"}
}

// exchange is one token exchange that passed its checks.
type exchange struct {
	issuer         string // the URL of this server
	wanted         string // the type of the new token
	subject, actor *party // actor is nil for none
	act            *grant.Actor
	targets        []string
	access         scope.Access
	dropped        []string // scopes of the subject token that the new one lacks
}

// Check reads the tokens and decides by the policy of the client. It reads one grant for each token.
//
// Spec: RFC 8693 §2.1, §2.2.2, §4.4.
func (g *ExchangeGrant) Check(ctx context.Context, x *Exchange) (Candidate, error) {
	policy := x.Client.TokenExchange
	if policy == nil || x.Client.IsPublic() {
		return Candidate{}, oauth2.NewError(oauth2.CodeUnauthorizedClient, "The client may not exchange tokens").
			Because(refusal.New(refusal.ExchangeNotAllowed, "the client has no policy for token exchange, or does not authenticate"))
	}
	e := &exchange{issuer: g.URL}
	var err error
	if e.wanted, err = requestedTokenType(x); err != nil {
		return Candidate{}, err
	}
	if e.targets, err = g.targets(x, e.wanted, policy); err != nil {
		return Candidate{}, err
	}
	if e.subject, err = g.open(ctx, x, "subject"); err != nil {
		return Candidate{}, err
	}
	if x.Form.Has("actor_token") || x.Form.Has("actor_token_type") {
		if e.actor, err = g.open(ctx, x, "actor"); err != nil {
			return Candidate{}, err
		}
	}
	if err := e.check(x, policy); err != nil {
		return Candidate{}, err
	}
	if err := g.checkUser(ctx, x, e.subject); err != nil {
		return Candidate{}, err
	}
	if e.access, e.dropped, err = g.narrow(x, e); err != nil {
		return Candidate{}, err
	}
	return Candidate{
		Basis: Basis{
			Grant: e.subject.clone(x.Client), RequestedScopes: strings.Fields(x.Form.Get("scope")), IsNarrowed: true, Access: e.access,
			Subject: e.subject.subject, Trust: e.subject.trust,
		},
		Redeem: func(ctx context.Context) (Redeemed, error) { return g.redeem(ctx, x, e) },
	}, nil
}

// requestedTokenType returns the type of the token that the client wants.
//
// Spec: RFC 8693 §2.1.
func requestedTokenType(x *Exchange) (string, error) {
	switch wanted := x.Form.Get("requested_token_type"); wanted {
	case "":
		return typeAccessToken, nil
	case typeAccessToken, typeJWT, typeIDToken:
		return wanted, nil
	default:
		return "", oauth2.InvalidRequest("requested_token_type must be access_token, jwt or id_token")
	}
}

// targets returns the resources that the new token is for.
//
// Spec: RFC 8693 §2.1.1, §2.2.2; RFC 8707 §2.
func (g *ExchangeGrant) targets(x *Exchange, wanted string, policy *client.TokenExchange) ([]string, error) {
	isNamed := len(apiresource.Requested(x.Form)) > 0
	if wanted == typeIDToken {
		if isNamed {
			return nil, oauth2.NewError(oauth2.CodeInvalidTarget, "An ID token is for the client itself: the request must name no resource or audience")
		}
		return nil, nil
	}
	targets, ok, err := oauth2.NarrowResources(x.Form, policy.Audiences)
	if err != nil {
		return nil, err
	}
	if !ok || !isNamed && len(policy.Audiences) != 1 {
		words := "The client may not exchange tokens for this resource or audience"
		if !isNamed {
			words = "The request must name a resource or audience for the new token"
		}
		return nil, oauth2.NewError(oauth2.CodeInvalidTarget, words).
			Because(refusal.New(refusal.ResourceNotAllowed, "the audiences of the policy of the client do not have the resource, or are not exactly one if the request names none",
				refusal.Registered("allowed_audiences", strings.Join(policy.Audiences, " "))))
	}
	declared, err := x.Registered.Resources().PolicyOf(targets)
	if err == nil && wanted == typeJWT && declared.Format == apiresource.FormatOpaque {
		return nil, oauth2.InvalidRequest("requested_token_type must not be jwt: the tokens for this resource are opaque")
	}
	return targets, x.checkTarget(targets)
}

// narrow returns the access of the new token: never more than that of the subject token and of the
// client, and what of the former it lacks.
//
// Spec: RFC 8693 §2.1, §5.
func (g *ExchangeGrant) narrow(x *Exchange, e *exchange) (access scope.Access, dropped []string, err error) {
	allowed := slices.DeleteFunc(slices.Clone(e.subject.scopes), func(s string) bool {
		return !slices.Contains(x.Registered.Allowed(x.Client), s) || grant.IsOfflineScope(s) ||
			s == oauth2.ScopeOpenID && (e.subject.grant == nil || e.wanted != typeIDToken && !slices.Contains(e.targets, g.URL))
	})
	requested := strings.Fields(x.Form.Get("scope"))
	scopes, ok := allowed, true
	if len(requested) > 0 {
		isLeftOut := func(s string) bool { return s == oauth2.ScopeOpenID || grant.IsOfflineScope(s) }
		scopes = slices.DeleteFunc(slices.Clone(allowed), func(s string) bool { return !slices.Contains(requested, s) })
		ok = !slices.ContainsFunc(requested, func(s string) bool { return !slices.Contains(allowed, s) && !isLeftOut(s) })
	}
	if ok && e.wanted == typeIDToken {
		ok = slices.Contains(scopes, oauth2.ScopeOpenID)
	}
	if !ok {
		return access, nil, oauth2.NewError(oauth2.CodeInvalidScope, "The scope is more than that of the subject_token, or more than the client may have").
			Because(refusal.New(refusal.ScopeExceedsGrant, "the request names a scope, or an ID token needs openid, that the subject token lacks or the client may not have",
				refusal.Registered("subject_scopes", strings.Join(e.subject.scopes, " ")), refusal.Registered("client_scopes", strings.Join(x.Client.Scopes(), " "))))
	}
	access = x.Registered.InToken(scope.Access{Scopes: scopes, Resources: e.targets})
	if access.Details, err = e.details(x); err != nil {
		return access, nil, err
	}
	return access, oauth2.Missing(e.subject.scopes, access.Scopes), nil
}

// details returns the authorization details of the new token: those of the subject token for its resources, of
// types that the client may use, or the part of them that the request names.
//
// Spec: RFC 9396 §6.1, §9.
func (e *exchange) details(x *Exchange) (detail.List, error) {
	limits := x.Registered.LimitsOf(x.Client)
	limits.Resources = e.targets
	allowed := x.Registered.Downscope(scope.Access{Resources: e.targets, Details: e.subject.details}, limits)
	var err error
	if limits.Details, err = x.narrowedDetails(&Basis{Grant: e.subject.grant}, allowed.Details); err != nil {
		return nil, err
	}
	return x.Registered.Downscope(allowed, limits).Details, nil
}

// redeem uses up the JWTs of trusted issuers, and records the exchange.
func (g *ExchangeGrant) redeem(ctx context.Context, x *Exchange, e *exchange) (Redeemed, error) {
	until := e.subject.until
	for _, p := range []*party{e.subject, e.actor} {
		if p == nil {
			continue
		}
		if p.assertion != nil {
			if err := g.Assertions.Spend(ctx, p.assertion, x.Now); err != nil {
				return Redeemed{}, refuseToken("token", err)
			}
		}
		if p.until.Before(until) {
			until = p.until
		}
	}
	if err := g.Record(ctx, e.event(x)); err != nil {
		return Redeemed{}, err
	}
	return Redeemed{
		Grant: e.grant(x), IssuedType: e.wanted,
		Issuer: exchangeIssuer{g.Issuer, tokens.Exchange{
			Sources: e.sources(), Actor: e.act, Until: until, IDToken: e.wanted == typeIDToken, JWT: e.wanted == typeJWT,
		}},
	}, nil
}

// grant returns the grant of the user as one of the client, with what hooks added; nil without a user.
func (e *exchange) grant(x *Exchange) *grant.WithAccount {
	held := e.subject.clone(x.Client)
	if held != nil && x.Authorization != nil {
		held.Authorization.ExtraClaims = x.Authorization.ExtraClaims
	}
	return held
}

// sources returns the tokens that the new token comes from.
func (e *exchange) sources() []grant.Source {
	if e.actor == nil {
		return e.subject.sources
	}
	return slices.Concat(e.subject.sources, e.actor.sources)
}

// event returns the audit event: who acts for whom, for which audience, and what the new token lacks.
func (e *exchange) event(x *Exchange) *audit.Event {
	subject := e.subject.subject
	if e.subject.grant != nil {
		subject = e.subject.grant.Subject
	}
	made := audit.NewEvent(ActionExchange, subject, audit.Actor{Kind: audit.Client, ID: x.Client.ID}, x.Now)
	made.Outcome, made.Status = audit.Done, 200
	var parts []string
	add := func(name string, values ...string) {
		if len(values) > 0 && values[0] != "" {
			parts = append(parts, name+": "+strings.Join(values, " "))
		}
	}
	add("from", e.subject.origin())
	var actors []string
	for a := e.act; a != nil; a = a.Actor {
		actors = append(actors, a.Subject)
	}
	add("actors", actors...)
	add("for", e.targets...)
	add("scope", e.access.Scopes...)
	add("dropped", e.dropped...)
	made.Detail = audit.Truncate(strings.Join(parts, "; "))
	return made
}

// exchangeIssuer issues the token of one exchange.
type exchangeIssuer struct {
	Issuer

	exchange tokens.Exchange
}

// Issue implements [Issuer].
func (i exchangeIssuer) Issue(ctx context.Context, r *tokens.Request) (tokens.Tokens, error) {
	r.Exchange = &i.exchange
	return i.Issuer.Issue(ctx, r)
}
