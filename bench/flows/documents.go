package flows

import (
	"github.com/ostiary/ostiary/bench/load"
	"github.com/ostiary/ostiary/bench/target"
	"github.com/ostiary/ostiary/bench/wire"
)

func discovery(t *target.Target) (*Course, error) {
	return document(t.Discovery, "issuer")
}

func keySet(t *target.Target) (*Course, error) {
	return document(t.Endpoints.JWKS, "keys")
}

// document gets a JSON document that has a member.
func document(address, member string) (*Course, error) {
	at, err := target.At(address)
	if err != nil {
		return nil, err
	}
	good := func(answer *wire.Response) bool { return wire.Has(answer.Body, member) }
	return &Course{Caller: func(int) (load.Caller, error) {
		conn := wire.New(at.URL)
		return repeat(conn, conn.Get(at.Target), "get the document", good), nil
	}}, nil
}
