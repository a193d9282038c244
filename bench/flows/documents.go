package flows

import (
	"github.com/ostiary/ostiary/bench/load"
	"github.com/ostiary/ostiary/bench/target"
	"github.com/ostiary/ostiary/bench/wire"
)

func discovery(t *target.Target) (*Workload, error) {
	return document(t.Discovery, "issuer")
}

func keySet(t *target.Target) (*Workload, error) {
	return document(t.Endpoints.JWKS, "keys")
}

// document is a GET of a JSON document, which must have the member.
func document(address, member string) (*Workload, error) {
	at, err := target.At(address)
	if err != nil {
		return nil, err
	}
	valid := func(r *wire.Response) bool { return wire.Has(r.Body, member) }
	return &Workload{Caller: func(int) (load.Caller, error) {
		conn := wire.New(at.URL)
		return repeat(conn, conn.Get(at.Target), "get the document", valid), nil
	}}, nil
}
