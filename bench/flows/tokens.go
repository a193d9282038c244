package flows

import (
	"net/url"

	"github.com/ostiary/ostiary/bench/load"
	"github.com/ostiary/ostiary/bench/target"
	"github.com/ostiary/ostiary/bench/wire"
)

// liveTokens is the number of access tokens that requests use in turn.
const liveTokens = 64

// accessTokenWorkload returns a workload of requests with live access tokens of
// users.
func accessTokenWorkload(t *target.Target, address string, valid func(*wire.Response) bool, request func(c *wire.Conn, path, token string) []byte) (*Workload, error) {
	at, err := target.At(address)
	if err != nil {
		return nil, err
	}
	users := &sessions{target: t}
	defer users.close()
	live, err := users.collectTokens(liveTokens)
	if err != nil {
		return nil, err
	}
	return &Workload{Caller: func(i int) (load.Caller, error) {
		conn := wire.New(at.URL)
		requests := make([][]byte, len(live))
		for j, token := range live {
			requests[j] = request(conn, at.Target, token.access)
		}
		return callerFunc(func() error {
			i++
			return send(conn, requests[i%len(requests)], "use an access token", valid)
		}), nil
	}}, nil
}

func userinfo(t *target.Target) (*Workload, error) {
	valid := func(r *wire.Response) bool { return wire.Text(r.Body, "sub") != "" }
	return accessTokenWorkload(t, t.Endpoints.Userinfo, valid, func(c *wire.Conn, path, token string) []byte {
		return c.Get(path, wire.Bearer(token))
	})
}

// introspection is token introspection by the client of the tokens (RFC 7662).
func introspection(t *target.Target) (*Workload, error) {
	client, err := t.Client(target.Web)
	if err != nil {
		return nil, err
	}
	basic := wire.Basic(client.ID, client.Secret)
	valid := func(r *wire.Response) bool { return wire.True(r.Body, "active") }
	return accessTokenWorkload(t, t.Endpoints.Introspection, valid, func(c *wire.Conn, path, token string) []byte {
		return c.Post(path, "token="+url.QueryEscape(token), basic)
	})
}

// revocation is token revocation (RFC 7009). The tokens are issued during
// preparation.
func revocation(ofRefresh bool) func(*target.Target) (*Workload, error) {
	return func(t *target.Target) (*Workload, error) {
		kind := target.Machine
		if ofRefresh {
			kind = target.Web
		}
		client, at, err := clientAt(t, kind, t.Endpoints.Revocation)
		if err != nil {
			return nil, err
		}
		users, live := &sessions{target: t}, &pool[string]{}
		fill := func(n int) error { return live.fill(n, preparers, accessTokens(t)) }
		if ofRefresh {
			fill = func(n int) error { return live.fill(n, preparers, refreshTokens(users)) }
		}
		basic := wire.Basic(client.ID, client.Secret)
		return &Workload{Prepare: fill, Close: users.close, Caller: func(int) (load.Caller, error) {
			conn := wire.New(at.URL)
			return callerFunc(func() error {
				token, err := live.take()
				if err != nil {
					return err
				}
				return send(conn, conn.Post(at.Target, "token="+url.QueryEscape(token), basic), "revoke", func(*wire.Response) bool { return true })
			}), nil
		}}, nil
	}
}

// accessTokens returns the maker of access tokens of the machine client.
func accessTokens(t *target.Target) func(int) (func() (string, error), error) {
	return func(int) (func() (string, error), error) {
		client, at, err := clientAt(t, target.Machine, t.Endpoints.Token)
		if err != nil {
			return nil, err
		}
		conn := wire.New(at.URL)
		request := conn.Post(at.Target, client.GrantForm(), wire.Basic(client.ID, client.Secret))
		return func() (token string, err error) {
			err = send(conn, request, getToken, func(r *wire.Response) bool {
				token = wire.Text(r.Body, "access_token")
				return token != ""
			})
			return token, err
		}, nil
	}
}

// refreshTokens returns the maker of refresh tokens, each of a separate grant.
func refreshTokens(users *sessions) func(int) (func() (string, error), error) {
	return func(i int) (func() (string, error), error) {
		v, err := users.get(i)
		if err != nil {
			return nil, err
		}
		return func() (string, error) {
			got, err := v.authorize()
			if err != nil {
				return "", err
			}
			return got.refresh, nil
		}, nil
	}
}
