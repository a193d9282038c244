package flows

import (
	"net/url"

	"github.com/ostiary/ostiary/bench/target"
	"github.com/ostiary/ostiary/bench/wire"
)

// tokenExchange exchanges live access tokens of users (RFC 8693).
func tokenExchange(t *target.Target) (*Workload, error) {
	client, err := t.Client(target.Exchanger)
	if err != nil {
		return nil, err
	}
	basic := wire.Basic(client.ID, client.Secret)
	form := url.Values{
		"grant_type": {target.ExchangeGrant}, "subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
	}.Encode() + "&subject_token="
	valid := func(r *wire.Response) bool { return wire.Text(r.Body, "issued_token_type") != "" }
	return accessTokenWorkload(t, t.Endpoints.Token, valid, func(c *wire.Conn, path, token string) []byte {
		return c.Post(path, form+url.QueryEscape(token), basic)
	})
}
