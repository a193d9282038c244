package token

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/apiresource"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/session"
)

// check decides by the policy of the client whether it may exchange the tokens, and names the actors
// of the new token.
//
// Spec: RFC 8693 §2.1, §4.1, §4.4, §5.
func (e *exchange) check(x *Exchange, policy *client.TokenExchange) error {
	parties := []*party{e.subject}
	if e.actor != nil {
		parties = append(parties, e.actor)
	}
	for _, p := range parties {
		if err := p.checkPossession(x); err != nil {
			return err
		}
	}
	if e.wanted == typeIDToken && !e.subject.bound.IsZero() {
		return oauth2.InvalidRequest("A subject_token that is bound to a key cannot be exchanged for an ID token, which is not").
			Because(refusal.New(refusal.TokenBinding, "the new token would not be bound to a key, as the subject token is"))
	}
	if err := e.subject.checkPresenter(x, policy, policy.AllowsSubjectClient(e.subject.clientID)); err != nil {
		return err
	}
	if err := e.checkActor(x, policy); err != nil {
		return err
	}
	if e.act.Depth() > policy.Depth() || len(e.sources()) > maxSources {
		return oauth2.InvalidRequest("The subject_token was exchanged too many times in a row").
			Because(refusal.New(refusal.ExchangeTooDeep, "the new token would have more actors than the policy of the client allows, or come from more than 8 tokens",
				refusal.Number("allowed_actors", int64(policy.Depth())), refusal.Number("actors", int64(e.act.Depth()))))
	}
	return e.subject.checkAuthentication(x, policy)
}

// checkPossession returns nil if the token of a party is not bound, or the request proves the key or the
// certificate, to which the new token is then bound.
//
// Spec: RFC 8705 §3, RFC 9449 §7.
func (p *party) checkPossession(x *Exchange) error {
	if p.bound.AllowsSender(x.Sender) {
		return nil
	}
	rule, words := refusal.KeyMismatch, "the "+p.role+" token is bound to another key or certificate than that of the request"
	if x.Sender.IsZero() {
		rule, words = refusal.DPoPMissing, "the "+p.role+" token is bound to a key or certificate, and the request proves none"
	}
	refused := oauth2.StandardError(oauth2.CodeInvalidDPoPProof)
	if p.bound.X5T != "" {
		refused = oauth2.InvalidRequest("The " + p.role + "_token is bound to the certificate of another client")
		rule = refusal.KeyMismatch
	}
	return refused.Because(refusal.New(rule, words, refusal.Registered("issued_to", p.clientID)))
}

// checkPresenter returns nil if the client may exchange the token: its own, one that is for it or a
// resource that it serves, or that its policy names. isAllowed reports whether the policy allows tokens of the
// client to which the token was issued.
//
// Spec: RFC 8693 §5.
func (p *party) checkPresenter(x *Exchange, policy *client.TokenExchange, isAllowed bool) error {
	refuse := func(words string, attrs ...refusal.Attr) error {
		return oauth2.InvalidRequest("The client may not exchange this " + p.role + "_token").
			Because(refusal.New(refusal.SubjectTokenNotAllowed, words, append(attrs, refusal.Registered("issued_to", p.clientID))...))
	}
	switch {
	case p.clientID == x.Client.ID:
		return nil
	case p.clientID == "" && slices.Contains(policy.SubjectIssuers, p.trust.Issuer):
		return nil
	case p.clientID == "":
		return refuse("the "+p.role+" token is of a trusted issuer that subject_issuers does not name", refusal.Registered("token_issuer", p.trust.Issuer))
	case !isAllowed:
		return refuse("the " + p.role + " token was issued to a client that the policy does not name")
	}
	served := x.Registered.Resources().Served(x.Client.ID, x.Client.ServedResources)
	isForClient := func(a string) bool {
		_, named := apiresource.Find(slices.Concat(x.Client.ServedResources, policy.SubjectAudiences), a)
		return a == x.Client.ID || named || slices.Contains(served, apiresource.Key(a))
	}
	if !slices.ContainsFunc(p.audience, isForClient) {
		return refuse("the "+p.role+" token is for a resource that is neither the client nor served by it, and that subject_audiences does not name",
			refusal.Registered("audience", strings.Join(p.audience, " ")))
	}
	return nil
}

// checkActor sets the actors of the new token: the actor of the request or, unless the policy allows
// impersonation, the client, before those of the subject token.
//
// Spec: RFC 8693 §1.1, §4.1, §4.4.
func (e *exchange) checkActor(x *Exchange, policy *client.TokenExchange) error {
	acting := &grant.Actor{Subject: x.Client.ID}
	if p := e.actor; p != nil {
		acting.Subject = p.subject
		if p.clientID != p.subject {
			acting.ClientID = p.clientID
		}
		if p.trust != nil {
			acting.Issuer = p.trust.Issuer
		}
	}
	refuse := func(words string) error {
		return oauth2.InvalidRequest("The client, or the actor of actor_token, may not act for the subject of subject_token").
			Because(refusal.New(refusal.ActorNotAllowed, words, refusal.Registered("actor", acting.Subject)))
	}
	named := len(e.subject.mayAct) > 0
	if named && !e.mayAct(acting, x.Client.ID) {
		return refuse("may_act of the subject token names another actor")
	}
	if e.actor != nil {
		if e.actor.act != nil {
			return refuse("the actor token has an actor itself")
		}
		if err := e.actor.checkPresenter(x, policy, named || policy.AllowsActorClient(e.actor.clientID)); err != nil {
			return err
		}
	}
	before := e.subject.act
	isSame := before != nil && before.Subject == acting.Subject && before.Issuer == acting.Issuer && before.ClientID == acting.ClientID
	if isSame || e.actor == nil && policy.Impersonation {
		e.act = before
		return nil
	}
	acting.Actor = before
	e.act = acting
	return nil
}

// mayAct reports whether may_act of the subject token names the actor, by its sub or by the client_id of the
// request, and by its iss if it has one. An actor of this server has no iss.
//
// Spec: RFC 8693 §4.4.
func (e *exchange) mayAct(acting *grant.Actor, clientID string) bool {
	var named struct {
		Subject  *string `json:"sub"`
		Issuer   *string `json:"iss"`
		ClientID *string `json:"client_id"`
	}
	if json.Unmarshal(e.subject.mayAct, &named) != nil || named.Subject == nil && named.ClientID == nil {
		return false
	}
	return (named.Subject == nil || *named.Subject == acting.Subject) && (named.ClientID == nil || *named.ClientID == clientID) &&
		(named.Issuer == nil || *named.Issuer == cmp.Or(acting.Issuer, e.issuer))
}

// checkAuthentication returns nil if the user has authenticated as the policy requires.
//
// Spec: RFC 9470 §3.
func (p *party) checkAuthentication(x *Exchange, policy *client.TokenExchange) error {
	refuse := func(words string) error {
		return oauth2.NewError(oauth2.CodeInsufficientAuthentication, words).
			Because(refusal.New(refusal.TokenAuthentication, "the user has authenticated with a lower acr, or longer ago, than the policy of the client requires",
				refusal.Registered("acr", p.acr), refusal.Registered("required_acr", strings.Join(policy.ACRValues, " "))))
	}
	if _, reached := session.Strongest(p.acr, policy.ACRValues); !reached && len(policy.ACRValues) > 0 {
		return refuse("A stronger authentication of the user is required: acr " + strings.Join(policy.ACRValues, " "))
	}
	if policy.MaxAge != nil && (p.authTime == 0 || x.Now.Unix()-p.authTime > *policy.MaxAge) {
		return refuse("A more recent authentication of the user is required")
	}
	return nil
}

// checkUser returns nil if the subject may use the client.
func (g *ExchangeGrant) checkUser(ctx context.Context, x *Exchange, p *party) error {
	var err error
	switch {
	case p.grant == nil:
		err = g.checkGroups(ctx, x.Client, p.subject)
	case !x.Client.Admits(p.grant.Released.Groups):
		err = errNotAdmitted(p.grant.Subject)
	}
	if err != nil {
		return refuseToken("subject_token", err)
	}
	return nil
}
