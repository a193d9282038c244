package flows

import (
	"github.com/ostiary/ostiary/bench/load"
	"github.com/ostiary/ostiary/bench/target"
	"github.com/ostiary/ostiary/bench/wire"
)

const getToken = "request a token"

// credentials is the client_credentials grant by secret (RFC 6749 section 4.4).
func credentials(k target.Kind) func(*target.Target) (*Workload, error) {
	return func(t *target.Target) (*Workload, error) {
		client, at, err := clientAt(t, k, t.Endpoints.Token)
		if err != nil {
			return nil, err
		}
		return &Workload{Caller: func(int) (load.Caller, error) {
			conn := wire.New(at.URL)
			request := conn.Post(at.Target, client.GrantForm(), wire.Basic(client.ID, client.Secret))
			return repeat(conn, request, getToken, hasToken), nil
		}}, nil
	}
}

// assertions is the client_credentials grant by private_key_jwt (RFC 7523 section
// 2.2). The assertions are signed during preparation, since signing is the client's
// work.
func assertions(k target.Kind) func(*target.Target) (*Workload, error) {
	return func(t *target.Target) (*Workload, error) {
		client, at, err := clientAt(t, k, t.Endpoints.Token)
		if err != nil {
			return nil, err
		}
		signed := &pool[string]{}
		fill := func(n int) error {
			return signed.fill(n, preparers, func(int) (func() (string, error), error) {
				return func() (string, error) { return client.Assertion(t.Endpoints.Token) }, nil
			})
		}
		form := client.GrantForm() +
			"&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion="
		return &Workload{Prepare: fill, Caller: func(int) (load.Caller, error) {
			conn := wire.New(at.URL)
			return callerFunc(func() error {
				assertion, err := signed.take()
				if err != nil {
					return err
				}
				return send(conn, conn.Post(at.Target, form+assertion), getToken, hasToken)
			}), nil
		}}, nil
	}
}
