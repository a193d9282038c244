package flows

import (
	"net/url"

	"github.com/ostiary/ostiary/bench/load"
	"github.com/ostiary/ostiary/bench/target"
	"github.com/ostiary/ostiary/bench/wire"
)

// liveTokens is how many access tokens are asked about in turn.
const liveTokens = 64

// askAbout makes a course of requests about live access tokens of people.
func askAbout(t *target.Target, address string, good func(*wire.Response) bool, request func(c *wire.Conn, path, token string) []byte) (*Course, error) {
	at, err := target.At(address)
	if err != nil {
		return nil, err
	}
	people := &regulars{target: t}
	defer people.close()
	live, err := people.gather(liveTokens)
	if err != nil {
		return nil, err
	}
	return &Course{Caller: func(i int) (load.Caller, error) {
		conn := wire.New(at.URL)
		requests := make([][]byte, len(live))
		for j, token := range live {
			requests[j] = request(conn, at.Target, token.access)
		}
		return caller(func() error {
			i++
			return send(conn, requests[i%len(requests)], "ask about a token", good)
		}), nil
	}}, nil
}

func userinfo(t *target.Target) (*Course, error) {
	good := func(answer *wire.Response) bool { return wire.Text(answer.Body, "sub") != "" }
	return askAbout(t, t.Endpoints.Userinfo, good, func(c *wire.Conn, path, token string) []byte {
		return c.Get(path, wire.Bearer(token))
	})
}

// introspection is asked by the client that the tokens are of (RFC 7662).
func introspection(t *target.Target) (*Course, error) {
	client, err := t.Client(target.Web)
	if err != nil {
		return nil, err
	}
	basic := wire.Basic(client.ID, client.Secret)
	good := func(answer *wire.Response) bool { return wire.True(answer.Body, "active") }
	return askAbout(t, t.Endpoints.Introspection, good, func(c *wire.Conn, path, token string) []byte {
		return c.Post(path, "token="+url.QueryEscape(token), basic)
	})
}

// revocation ends tokens that were issued beforehand (RFC 7009).
func revocation(ofRefresh bool) func(*target.Target) (*Course, error) {
	return func(t *target.Target) (*Course, error) {
		kind := target.Machine
		if ofRefresh {
			kind = target.Web
		}
		client, at, err := clientAt(t, kind, t.Endpoints.Revocation)
		if err != nil {
			return nil, err
		}
		people, shelf := &regulars{target: t}, &stock[string]{}
		fill := func(n int) error { return shelf.fill(n, preparers, accessTokens(t)) }
		if ofRefresh {
			fill = func(n int) error { return shelf.fill(n, preparers, refreshTokens(people)) }
		}
		basic := wire.Basic(client.ID, client.Secret)
		return &Course{Stock: fill, Close: people.close, Caller: func(int) (load.Caller, error) {
			conn := wire.New(at.URL)
			return caller(func() error {
				token, err := shelf.take()
				if err != nil {
					return err
				}
				return send(conn, conn.Post(at.Target, "token="+url.QueryEscape(token), basic), "revoke", func(*wire.Response) bool { return true })
			}), nil
		}}, nil
	}
}

// accessTokens makes access tokens of the machine client.
func accessTokens(t *target.Target) func(int) (func() (string, error), error) {
	return func(int) (func() (string, error), error) {
		client, at, err := clientAt(t, target.Machine, t.Endpoints.Token)
		if err != nil {
			return nil, err
		}
		conn := wire.New(at.URL)
		request := conn.Post(at.Target, client.Grant(), wire.Basic(client.ID, client.Secret))
		return func() (token string, err error) {
			err = send(conn, request, getToken, func(answer *wire.Response) bool {
				token = wire.Text(answer.Body, "access_token")
				return token != ""
			})
			return token, err
		}, nil
	}
}

// refreshTokens makes refresh tokens, each of a grant of its own.
func refreshTokens(people *regulars) func(int) (func() (string, error), error) {
	return func(i int) (func() (string, error), error) {
		v, err := people.get(i)
		if err != nil {
			return nil, err
		}
		return func() (string, error) {
			got, err := v.visit()
			if err != nil {
				return "", err
			}
			return got.refresh, nil
		}, nil
	}
}
