package servertest

import (
	"encoding/json"
	"net/url"
	"slices"

	"github.com/ostiary/ostiary/internal/client"
)

// The grant type and the types of tokens of token exchange.
//
// Spec: RFC 8693 §2.1, §3.
const (
	ExchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange"
	TokenTypes    = "urn:ietf:params:oauth:token-type:"
)

// AddExchangeClient imports the client svc, which has the policy for token exchange, a JSON object.
// More are members of the client, each with a comma before it.
func AddExchangeClient(s *Server, policy, more string) {
	s.TB.Helper()
	s.ImportClient(`{"client_id": "svc", "client_secret": "` + OtherSecret + `", "token_endpoint_auth_method": "client_secret_post",
		"grant_types": ["` + ExchangeGrant + `", "client_credentials"], "scope": "openid profile api", "audience": ["https://api.example", "https://down.example"], "served_resources": ["https://api.example"],
		"token_exchange": ` + policy + more + `}`)
}

// ExchangePolicy allows the client svc to exchange the tokens of the client web.
const ExchangePolicy = `{"subject_clients": ["web"], "audiences": ["https://down.example"]}`

// ExchangeForm returns a request of the client svc to exchange an access token, with pairs of a
// parameter and its value. An empty value removes the parameter.
func ExchangeForm(token any, pairs ...string) url.Values {
	form := AsPost("svc", url.Values{
		"grant_type": {ExchangeGrant}, "subject_token": {Text(token)}, "subject_token_type": {TokenTypes + "access_token"},
	})
	for i := 0; i < len(pairs); i += 2 {
		form[pairs[i]] = []string{pairs[i+1]}
		if pairs[i+1] == "" {
			form.Del(pairs[i])
		}
	}
	return form
}

// Exchange returns the response to [ExchangeForm].
func (s *Server) Exchange(token any, pairs ...string) Response {
	s.TB.Helper()
	return s.PostForm("/oauth2/token", ExchangeForm(token, pairs...))
}

// ImportClientPolicy sets the policy for token exchange of a client, a JSON object, and adds the grant type.
func ImportClientPolicy(s *Server, id, policy string) {
	s.TB.Helper()
	c, err := s.Store.Clients.Client(s.TB.Context(), id)
	if err != nil {
		s.TB.Fatal(err)
	}
	c.TokenExchange = nil
	if err := json.Unmarshal([]byte(policy), &c.TokenExchange); err != nil {
		s.TB.Fatal(err)
	}
	if !slices.Contains(c.GrantTypes, ExchangeGrant) {
		c.GrantTypes = append(c.GrantTypes, ExchangeGrant)
	}
	if faults := c.Validate(client.Policy{}); len(faults) > 0 {
		s.TB.Fatal(faults)
	}
	if err := s.Store.Clients.UpdateClient(s.TB.Context(), c); err != nil {
		s.TB.Fatal(err)
	}
}
