package client

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
)

// MaxActDepth is the maximum number of actors of an exchanged token, and of exchanges in a row.
const MaxActDepth = 4

// AnyClient in a list of [TokenExchange] allows every client.
const AnyClient = "*"

// TokenExchange is what a client may get by token exchange. Only the operator can set it. A client
// without it cannot exchange tokens.
//
// Spec: RFC 8693 §2.1, §4.
type TokenExchange struct {
	// SubjectClients are the clients whose access tokens it may exchange, in addition to its own.
	SubjectClients []string `json:"subject_clients,omitempty" doc:"clients whose access tokens it may exchange, in addition to its own; * for all"`
	// SubjectIssuers are the trusted issuers whose JWTs it may exchange.
	SubjectIssuers []string `json:"subject_issuers,omitempty" doc:"trusted issuers whose JWTs it may exchange"`
	// SubjectAudiences are resources: it may exchange tokens for them, in addition to tokens for
	// itself and the resources that it serves.
	SubjectAudiences []string `json:"subject_audiences,omitempty" doc:"resources whose tokens it may exchange, in addition to those for itself and the resources that it serves"`
	// Audiences are the resources that it may get tokens for. If a request names none and there is
	// one, the token is for that.
	Audiences []string `json:"audiences,omitempty" doc:"resources that it may get tokens for"`
	// ActorClients are the clients whose tokens it may present as actor_token, in addition to its
	// own and to those that may_act of the subject token names.
	ActorClients []string `json:"actor_clients,omitempty" doc:"clients whose tokens it may present as actor_token, in addition to its own; * for all"`
	// Impersonation allows tokens that do not name the client as the actor.
	Impersonation bool `json:"impersonation,omitempty" doc:"without actor_token, the new token does not name the client as its actor"`
	// ACRValues and MaxAge are what the exchange requires of the authentication of the user: one of the
	// values of acr, and an age of at most so many seconds.
	ACRValues []string `json:"acr_values,omitempty" doc:"the user must have authenticated with one of these acr"`
	MaxAge    *int64   `json:"max_age,omitempty" doc:"the user must have authenticated at most this many seconds ago"`
	// MaxDepth is the maximum number of actors of a token; 0 is [MaxActDepth].
	MaxDepth int64 `json:"max_depth,omitempty" doc:"the largest number of actors in act, at most 4"`
}

// AllowsSubjectClient reports whether access tokens of the client id may be exchanged.
func (p *TokenExchange) AllowsSubjectClient(id string) bool { return matches(p.SubjectClients, id) }

// AllowsActorClient reports whether tokens of the client id may be presented as actor_token.
func (p *TokenExchange) AllowsActorClient(id string) bool { return matches(p.ActorClients, id) }

// Depth returns the maximum number of actors of a token.
func (p *TokenExchange) Depth() int {
	if p.MaxDepth == 0 {
		return MaxActDepth
	}
	return int(p.MaxDepth)
}

// SetTokenExchange sets the policy for token exchange from JSON; an empty text removes it. It returns an
// error for anything but an object with the members of a policy.
func (m *Metadata) SetTokenExchange(text string) error {
	m.TokenExchange = nil
	if text == "" {
		return nil
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	var policy *TokenExchange
	if err := decoder.Decode(&policy); err != nil || decoder.More() {
		return errors.New("token_exchange must be " + policyWords)
	}
	m.TokenExchange = policy
	return nil
}

// policyWords describe the value of token_exchange.
const policyWords = "an object with the members of a policy for token exchange"

func matches(list []string, id string) bool {
	return slices.Contains(list, AnyClient) || slices.Contains(list, id)
}

// check adds the faults of the policy of m to c.
func (p *TokenExchange) check(c *checks, m *Metadata) {
	if p == nil {
		return
	}
	notWord := func(s string) bool {
		return s == "" || len(s) > maxURI || strings.ContainsAny(s, " \t\r\n") || !readable(s)
	}
	for _, list := range [][]string{p.SubjectClients, p.SubjectIssuers, p.SubjectAudiences, p.Audiences, p.ActorClients} {
		if len(list) > maxURIs || slices.ContainsFunc(list, notWord) {
			c.fail("token_exchange", "must have lists of at most 100 names without spaces")
			return
		}
	}
	for _, audience := range slices.Concat(p.SubjectAudiences, p.Audiences) {
		if u, err := url.Parse(audience); err != nil || u.Fragment != "" || audience == AnyClient {
			c.fail("token_exchange", "must have URIs without a fragment, or names, as audiences")
			return
		}
	}
	if len(p.ACRValues) > maxWords || slices.ContainsFunc(p.ACRValues, notACR) {
		c.fail("token_exchange", "must have a short list of values of acr as acr_values")
	}
	c.age("token_exchange", p.MaxAge)
	if p.MaxDepth < 0 || p.MaxDepth > MaxActDepth {
		c.fail("token_exchange", "must have a max_depth from 1 to 4")
	}
	if m.TokenEndpointAuthMethod == AuthNone {
		c.fail("token_exchange", "must not be set for a client that does not authenticate")
	}
}
