// Package flows implements the measured operations. Each checks every response.
package flows

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/bench/load"
	"github.com/ostiary/ostiary/bench/target"
	"github.com/ostiary/ostiary/bench/wire"
)

// Flow is a measured operation.
type Flow struct {
	Name  string
	About string
	open  func(t *target.Target) (*Workload, error)
}

// Workload is a flow that is prepared for a server.
type Workload struct {
	// Caller returns the i-th caller with its own state: a connection, a session or a
	// chain of refresh tokens.
	Caller func(i int) (load.Caller, error)
	// Prepare prepares n operations outside of the measured time. It is nil for flows
	// without preparation.
	Prepare func(n int) error
	// Close closes connections that the callers share; it may be nil.
	Close func()
}

// Open prepares a flow for a server. It returns an error if the server does not
// support the flow.
func (f *Flow) Open(t *target.Target) (*Workload, error) {
	c, err := f.open(t)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	return c, nil
}

// All returns all flows.
func All() []Flow {
	return []Flow{
		{"discovery", "GET the discovery document", discovery},
		{"jwks", "GET the key set", keySet},
		{"client-credentials", "token by client_secret_basic, a JWT", credentials(target.Machine)},
		{"client-credentials-opaque", "the same, opaque", credentials(target.Opaque)},
		{"private-key-jwt", "token by private_key_jwt, a JWT", assertions(target.Keyed)},
		{"private-key-jwt-opaque", "the same, opaque", assertions(target.KeyedOpaque)},
		{"client-credentials-dpop", "token by client_secret_basic, a JWT bound to a DPoP key", boundCredentials},
		{"pushed-request", "push of an authorization request (PAR)", pushedRequests},
		{"token-exchange", "exchange of a live access token of another client", tokenExchange},
		{"code-sign-in", "code flow with PKCE from a fresh browser: sign-in, consent, exchange", codeSignIn},
		{"code-session", "code flow with PKCE of a signed-in user who has consented", codeSession},
		{"code-exchange", "exchange of a code", codeExchange},
		{"refresh", "sequential refreshes, a separate chain for each caller", refresh},
		{"userinfo", "GET userinfo", userinfo},
		{"introspection", "introspection of a live access token", introspection},
		{"revocation", "revocation of a live access token of client_credentials", revocation(false)},
		{"revocation-refresh", "revocation of a live refresh token", revocation(true)},
	}
}

// Select returns the flows of a comma-separated list of names. A name may end in *;
// an empty list selects all flows.
func Select(names string) ([]Flow, error) {
	all := All()
	if names == "" {
		return all, nil
	}
	var chosen []Flow
	for name := range strings.SplitSeq(names, ",") {
		prefix, isPrefix := strings.CutSuffix(name, "*")
		before := len(chosen)
		for _, f := range all {
			if f.Name == name || isPrefix && strings.HasPrefix(f.Name, prefix) {
				chosen = append(chosen, f)
			}
		}
		if len(chosen) == before {
			return nil, fmt.Errorf("unknown flow %q: must be one of %s", name, strings.Join(flowNames(all), ", "))
		}
	}
	return chosen, nil
}

func flowNames(all []Flow) []string {
	names := make([]string, len(all))
	for i, f := range all {
		names[i] = f.Name
	}
	return slices.Clip(names)
}

// clientAt returns a client of the target and the endpoint at address.
func clientAt(t *target.Target, k target.Kind, address string) (*target.Client, target.Endpoint, error) {
	client, err := t.Client(k)
	if err != nil {
		return nil, target.Endpoint{}, err
	}
	at, err := target.At(address)
	return client, at, err
}

// callerFunc adapts a function to [load.Caller].
type callerFunc func() error

func (c callerFunc) Call() error { return c() }

// repeat returns a caller that sends the same request repeatedly.
func repeat(conn *wire.Conn, request []byte, operation string, valid func(*wire.Response) bool) load.Caller {
	return callerFunc(func() error { return send(conn, request, operation, valid) })
}

// send sends a request. It returns an error unless the response has the status 200 or
// 201 and is valid.
func send(conn *wire.Conn, request []byte, operation string, valid func(*wire.Response) bool) error {
	response, err := conn.Send(request)
	if err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	if response.Status != 200 && response.Status != 201 || !valid(response) {
		return target.ResponseError(operation, response)
	}
	return nil
}

func hasToken(r *wire.Response) bool { return wire.Text(r.Body, "access_token") != "" }
