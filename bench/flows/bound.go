package flows

import (
	"net/http"
	"net/url"
	"time"

	"github.com/ostiary/ostiary/bench/load"
	"github.com/ostiary/ostiary/bench/target"
	"github.com/ostiary/ostiary/bench/wire"
	"github.com/ostiary/ostiary/internal/dpop/dpoptest"
)

// boundCredentials is the client_credentials grant with a DPoP proof (RFC 9449 section 5), a key for each
// preparer. The proofs are signed during preparation, since signing is the client's work.
func boundCredentials(t *target.Target) (*Workload, error) {
	client, at, err := clientAt(t, target.Machine, t.Endpoints.Token)
	if err != nil {
		return nil, err
	}
	signed := &pool[string]{}
	fill := func(n int) error {
		return signed.fill(n, preparers, func(int) (func() (string, error), error) {
			key, err := dpoptest.NewKey()
			if err != nil {
				return nil, err
			}
			return func() (string, error) { return key.Proof(http.MethodPost, t.Endpoints.Token, "", time.Now()) }, nil
		})
	}
	basic := wire.Basic(client.ID, client.Secret)
	return &Workload{Prepare: fill, Caller: func(int) (load.Caller, error) {
		conn := wire.New(at.URL)
		return callerFunc(func() error {
			proof, err := signed.take()
			if err != nil {
				return err
			}
			request := conn.Post(at.Target, client.GrantForm(), basic, wire.Header{Name: "DPoP", Value: proof})
			return send(conn, request, getToken, func(r *wire.Response) bool { return wire.Text(r.Body, "token_type") == "DPoP" })
		}), nil
	}}, nil
}

// pushedRequests pushes authorization requests (RFC 9126) of a client with a secret.
func pushedRequests(t *target.Target) (*Workload, error) {
	client, at, err := clientAt(t, target.Web, t.Endpoints.PushedRequest)
	if err != nil {
		return nil, err
	}
	form := url.Values{
		"response_type": {"code"}, "redirect_uri": {target.RedirectURI}, "scope": {target.Scope}, "state": {"some-state-of-the-client"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}.Encode()
	return &Workload{Caller: func(int) (load.Caller, error) {
		conn := wire.New(at.URL)
		request := conn.Post(at.Target, form, wire.Basic(client.ID, client.Secret))
		return repeat(conn, request, "push a request", func(r *wire.Response) bool { return wire.Text(r.Body, "request_uri") != "" }), nil
	}}, nil
}
