// Package target knows a server by its protocol alone: it reads the discovery
// document, registers clients and signs people in, over whatever pages the server
// has. It works on any OpenID provider; what one has of its own is in its [Spec].
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

// Endpoints are members of the discovery document (OpenID Connect Discovery
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
}

// Target is a server that is ready to be called.
type Target struct {
	Name      string
	Discovery string
	Endpoints Endpoints
	Users     []User
	LoginApp  *LoginApp

	clients    map[Kind]*Client
	lacking    map[Kind]error
	idTokenAlg string
}

// Options say what to ask a server for.
type Options struct {
	// IDTokenAlg is what clients that register want their ID tokens signed with.
	IDTokenAlg string
}

// Open reads the discovery document of a server and makes the clients that the
// flows need. What cannot be had is told by [Target.Client] to who wants it.
func Open(ctx context.Context, s *Spec, o Options) (*Target, error) {
	t := &Target{
		Name: cmp.Or(s.Name, s.Issuer), Users: s.Users, LoginApp: s.LoginApp, idTokenAlg: cmp.Or(o.IDTokenAlg, "ES256"),
		Discovery: strings.TrimSuffix(s.Issuer, "/") + "/.well-known/openid-configuration",
		clients:   map[Kind]*Client{}, lacking: map[Kind]error{},
	}
	if err := t.discover(ctx, s); err != nil {
		return nil, err
	}
	if t.LoginApp != nil && len(t.Users) == 0 {
		t.Users = madeUp()
	}
	for _, k := range Kinds() {
		if known, found := s.Clients[k]; found {
			t.clients[k] = &known
			continue
		}
		c, err := t.register(ctx, k)
		if err != nil {
			t.lacking[k] = err
			continue
		}
		t.clients[k] = c
	}
	return t, nil
}

// madeUp are people for a server that believes what the login app says.
func madeUp() []User {
	users := make([]User, 200)
	for i := range users {
		users[i].Username = fmt.Sprintf("person-%d", i)
	}
	return users
}

// Client returns the client of a kind.
func (t *Target) Client(k Kind) (*Client, error) {
	if c := t.clients[k]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("no client of kind %s: %w", k, t.lacking[k])
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
		return fmt.Errorf("discover: %s answers %d", t.Discovery, response.StatusCode)
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
	return nil
}

// Endpoint is a place to send requests to.
type Endpoint struct {
	URL *url.URL
	// Target is what a request names: the path and the query.
	Target string
}

// At reads the URL of an endpoint.
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
