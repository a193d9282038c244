package client

import (
	"slices"
	"strings"
)

// ResponseTypeCode is the one response type that RFC 9700 leaves standing.
const ResponseTypeCode = "code"

// LegacyResponseTypes lists the response types that put tokens into the
// authorization answer (OpenID Connect Core sections 3.2 and 3.3). They work only
// where the operator allows them (RFC 9700 section 2.1.2).
func LegacyResponseTypes() []string {
	return []string{"id_token", "id_token token", "code id_token", "code token", "code id_token token"}
}

// ResponseType returns a response type with its values in the order in which it is
// registered here: their order means nothing (OAuth 2.0 Multiple Response Type
// Encoding Practices section 5).
func ResponseType(asked string) string {
	values := strings.Fields(asked)
	slices.Sort(values)
	return strings.Join(values, " ")
}

// MayAnswer reports whether the client registered the response type.
func (c *Client) MayAnswer(responseType string) bool {
	return slices.ContainsFunc(c.ResponseTypes, func(registered string) bool {
		return ResponseType(registered) == responseType
	})
}
