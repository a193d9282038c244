package client

import (
	"net/url"
	"strings"
)

// InitiateLogin returns the URL at which a user can start a login at the client, with iss
// added. It is empty if the client registered no initiate_login_uri.
//
// Spec: OpenID Connect Core §4.
func (c *Client) InitiateLogin(issuer string) string {
	u, err := url.Parse(c.InitiateLoginURI)
	if err != nil || c.InitiateLoginURI == "" {
		return ""
	}
	// The registered query is kept.
	if u.RawQuery != "" && !strings.HasSuffix(u.RawQuery, "&") {
		u.RawQuery += "&"
	}
	u.RawQuery += "iss=" + url.QueryEscape(issuer)
	return u.String()
}
