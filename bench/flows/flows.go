// Package flows are the operations that are measured, each as one client or one
// person does it, with every answer checked.
package flows

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/bench/load"
	"github.com/ostiary/ostiary/bench/target"
	"github.com/ostiary/ostiary/bench/wire"
)

// Flow is one kind of operation.
type Flow struct {
	Name  string
	About string
	open  func(t *target.Target) (*Course, error)
}

// Course is a flow on its way at a server.
type Course struct {
	// Caller makes the i-th caller, with what it needs: a connection, a session, a
	// chain of refresh tokens.
	Caller func(i int) (load.Caller, error)
	// Stock prepares n operations outside of the measured time. It is nil for flows
	// that need no preparation.
	Stock func(n int) error
	// Close ends connections that the callers share; it may be nil.
	Close func()
}

// Open prepares a flow at a server, or says why it cannot be done there.
func (f *Flow) Open(t *target.Target) (*Course, error) {
	c, err := f.open(t)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	return c, nil
}

// All lists the flows.
func All() []Flow {
	return []Flow{
		{"discovery", "GET the discovery document", discovery},
		{"jwks", "GET the key set", keySet},
		{"client-credentials", "token by client_secret_basic, a JWT", credentials(target.Machine)},
		{"client-credentials-opaque", "the same, opaque", credentials(target.Sealed)},
		{"private-key-jwt", "token by private_key_jwt, a JWT", assertions(target.Keyed)},
		{"private-key-jwt-opaque", "the same, opaque", assertions(target.KeyedSealed)},
		{"code-sign-in", "code flow with PKCE from a fresh browser: sign-in, consent, exchange", signIn},
		{"code-session", "the same of somebody signed in who consented before", signedIn},
		{"code-exchange", "exchange of a code alone", exchange},
		{"refresh", "one refresh after the other, each caller with a chain of its own", refresh},
		{"userinfo", "GET userinfo", userinfo},
		{"introspection", "introspection of a live access token", introspection},
		{"revocation", "revocation of a live access token of client_credentials", revocation(false)},
		{"revocation-refresh", "revocation of a live refresh token", revocation(true)},
	}
}

// Select returns the flows of a comma-separated list of names, where a name may
// end in *, and all of an empty one.
func Select(names string) ([]Flow, error) {
	all := All()
	if names == "" {
		return all, nil
	}
	var chosen []Flow
	for name := range strings.SplitSeq(names, ",") {
		prefix, open := strings.CutSuffix(name, "*")
		before := len(chosen)
		for _, f := range all {
			if f.Name == name || open && strings.HasPrefix(f.Name, prefix) {
				chosen = append(chosen, f)
			}
		}
		if len(chosen) == before {
			return nil, fmt.Errorf("no flow %q; there are %s", name, strings.Join(known(all), ", "))
		}
	}
	return chosen, nil
}

func known(all []Flow) []string {
	names := make([]string, len(all))
	for i, f := range all {
		names[i] = f.Name
	}
	return slices.Clip(names)
}

// clientAt returns a client of the target and the endpoint that it calls.
func clientAt(t *target.Target, k target.Kind, address string) (*target.Client, target.Endpoint, error) {
	client, err := t.Client(k)
	if err != nil {
		return nil, target.Endpoint{}, err
	}
	at, err := target.At(address)
	return client, at, err
}

// caller is a [load.Caller] made of a function.
type caller func() error

func (c caller) Call() error { return c() }

// repeat returns a caller that sends the same request again and again.
func repeat(conn *wire.Conn, request []byte, what string, good func(*wire.Response) bool) load.Caller {
	return caller(func() error { return send(conn, request, what, good) })
}

// send sends a request and checks its answer.
func send(conn *wire.Conn, request []byte, what string, good func(*wire.Response) bool) error {
	answer, err := conn.Send(request)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if answer.Status != 200 || !good(answer) {
		return target.Refusal(what, answer)
	}
	return nil
}

func hasToken(answer *wire.Response) bool { return wire.Text(answer.Body, "access_token") != "" }
