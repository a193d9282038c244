// Package target is a client of any OpenID provider: it reads the discovery
// document, registers clients and signs users in on the pages of the server. A
// [Spec] has the settings that are specific to a server.
package target

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/ostiary/ostiary/bench/wire"
)

// Endpoints has members of the discovery document (OpenID Connect Discovery
// section 3, RFC 8414 section 2).
type Endpoints struct {
	Issuer        string `json:"issuer"`
	Authorization string `json:"authorization_endpoint"`
	Token         string `json:"token_endpoint"`
	Userinfo      string `json:"userinfo_endpoint"`
	JWKS          string `json:"jwks_uri"`
	Registration  string `json:"registration_endpoint"`
	Introspection string `json:"introspection_endpoint"`
	Revocation    string `json:"revocation_endpoint"`
	PushedRequest string `json:"pushed_authorization_request_endpoint"`
}

// Target is a server with registered clients.
type Target struct {
	Name      string
	Discovery string
	Endpoints Endpoints
	Users     []User
	LoginApp  *LoginApp

	clients      map[Kind]*Client
	clientErrors map[Kind]error
	idTokenAlg   string
}

// Options are parameters of the registration of clients.
type Options struct {
	// IDTokenAlg is id_token_signed_response_alg; empty means ES256.
	IDTokenAlg string
}

// Open reads the discovery document of a server and registers the clients that the
// flows need. [Target.Client] returns the errors of registrations.
func Open(ctx context.Context, s *Spec, o Options) (*Target, error) {
	t := &Target{
		Name: cmp.Or(s.Name, s.Issuer), Users: s.Users, LoginApp: s.LoginApp, idTokenAlg: cmp.Or(o.IDTokenAlg, "ES256"),
		Discovery: strings.TrimSuffix(s.Issuer, "/") + "/.well-known/openid-configuration",
		clients:   map[Kind]*Client{}, clientErrors: map[Kind]error{},
	}
	if err := t.discover(ctx, s); err != nil {
		return nil, err
	}
	if t.LoginApp != nil && len(t.Users) == 0 {
		t.Users = generatedUsers()
	}
	for _, k := range Kinds() {
		if c, found := s.Clients[k]; found {
			t.clients[k] = &c
			continue
		}
		c, err := t.register(ctx, k)
		if err != nil {
			t.clientErrors[k] = err
			continue
		}
		t.clients[k] = c
	}
	return t, nil
}

// generatedUsers returns users for a server with a login app, which needs no
// accounts.
func generatedUsers() []User {
	users := make([]User, 200)
	for i := range users {
		users[i].Username = fmt.Sprintf("person-%d", i)
	}
	return users
}

// Client returns the client of a kind, or the error of its registration.
func (t *Target) Client(k Kind) (*Client, error) {
	if c := t.clients[k]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("no client of kind %s: %w", k, t.clientErrors[k])
}

func (t *Target) discover(ctx context.Context, s *Spec) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, t.Discovery, http.NoBody)
	if err != nil {
		return fmt.Errorf("discover: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("discover: %w", err)
	}
	defer response.Body.Close() //nolint:errcheck // only read
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("discover: %s returned the status %d", t.Discovery, response.StatusCode)
	}
	if err := json.NewDecoder(response.Body).Decode(&t.Endpoints); err != nil {
		return fmt.Errorf("discover: %w", err)
	}
	e, given := &t.Endpoints, s.Endpoints
	e.Authorization = cmp.Or(given.Authorization, e.Authorization)
	e.Token = cmp.Or(given.Token, e.Token)
	e.Userinfo = cmp.Or(given.Userinfo, e.Userinfo)
	e.JWKS = cmp.Or(given.JWKS, e.JWKS)
	e.Registration = cmp.Or(given.Registration, e.Registration)
	e.Introspection = cmp.Or(given.Introspection, e.Introspection)
	e.Revocation = cmp.Or(given.Revocation, e.Revocation)
	e.PushedRequest = cmp.Or(given.PushedRequest, e.PushedRequest)
	return nil
}

// Endpoint is the URL of an endpoint.
type Endpoint struct {
	URL *url.URL
	// Target is the request target: path and query.
	Target string
}

// At parses the URL of an endpoint. It returns an error if address is empty.
func At(address string) (Endpoint, error) {
	if address == "" {
		return Endpoint{}, errors.New("the server does not have this endpoint")
	}
	u, err := url.Parse(address)
	if err != nil {
		return Endpoint{}, fmt.Errorf("read endpoint: %w", err)
	}
	return Endpoint{URL: u, Target: wire.Target(u)}, nil
}
