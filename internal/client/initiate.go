package client

import (
	"net/url"
	"strings"
)

// InitiateLogin is where a person begins anew to sign in at the client, which is
// told the issuer to use; empty if the client registered no such place.
//
// Spec: OpenID Connect Core §4.
func (c *Client) InitiateLogin(issuer string) string {
	u, err := url.Parse(c.InitiateLoginURI)
	if err != nil || c.InitiateLoginURI == "" {
		return ""
	}
	// Its own query stays as it is registered.
	if u.RawQuery != "" && !strings.HasSuffix(u.RawQuery, "&") {
		u.RawQuery += "&"
	}
	u.RawQuery += "iss=" + url.QueryEscape(issuer)
	return u.String()
}
