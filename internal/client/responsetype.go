package client

import (
	"slices"
	"strings"
)

// ResponseTypeCode is the only response type that RFC 9700 recommends.
const ResponseTypeCode = "code"

// LegacyResponseTypes returns the implicit and hybrid response types, which put tokens into
// the authorization response (OpenID Connect Core §3.2, §3.3). They work only if the operator
// enables them (RFC 9700 §2.1.2).
func LegacyResponseTypes() []string {
	return []string{"id_token", "id_token token", "code id_token", "code token", "code id_token token"}
}

// ResponseType returns a response type with its values in canonical order. Their order has no
// meaning (OAuth 2.0 Multiple Response Type Encoding Practices §5).
func ResponseType(responseType string) string {
	values := strings.Fields(responseType)
	slices.Sort(values)
	return strings.Join(values, " ")
}

// AllowsResponseType reports whether the client registered the response type.
func (c *Client) AllowsResponseType(responseType string) bool {
	return slices.ContainsFunc(c.ResponseTypes, func(registered string) bool {
		return ResponseType(registered) == responseType
	})
}

// dropUnused removes the response types that no grant type of the client uses, and
// refresh_token if no grant type issues refresh tokens. Unknown response types remain, and are
// rejected later.
func (m *Metadata) dropUnused() {
	grants := m.GrantTypes
	if len(grants) == 0 {
		grants = []string{GrantAuthorizationCode}
	}
	code, implicit := slices.Contains(grants, GrantAuthorizationCode), slices.Contains(grants, GrantImplicit)
	m.ResponseTypes = slices.DeleteFunc(slices.Clone(m.ResponseTypes), func(responseType string) bool {
		values := strings.Fields(responseType)
		if !within(values, []string{"code", "id_token", "token"}) {
			return false
		}
		tokens := slices.Contains(values, "id_token") || slices.Contains(values, "token")
		return slices.Contains(values, "code") && !code || tokens && !implicit
	})
	if len(m.GrantTypes) > 1 && !code && !m.withoutRedirect() {
		m.GrantTypes = slices.DeleteFunc(slices.Clone(m.GrantTypes), func(grant string) bool { return grant == GrantRefreshToken })
	}
}
