package client

import (
	"slices"
	"strings"
)

// MatchRedirectURI reports whether requested is registered for the client.
//
// It compares bytes, without parsing, decoding or normalizing before the URI is known to be
// registered. The only exception is the port of a native client's loopback address.
//
// Spec: RFC 8252 §7.3, RFC 9700 §4.1.3.
func (c *Client) MatchRedirectURI(requested string) bool {
	if requested == "" {
		return false
	}
	if slices.Contains(c.RedirectURIs, requested) {
		return true
	}
	if !c.IsNative() {
		return false
	}
	for _, registered := range c.RedirectURIs {
		if equalButForPort(registered, requested) {
			return true
		}
	}
	return false
}

// MatchPostLogoutRedirectURI reports whether requested is registered for the client, by simple
// string comparison.
//
// Spec: OpenID Connect RP-Initiated Logout §3.
func (c *Client) MatchPostLogoutRedirectURI(requested string) bool {
	return requested != "" && slices.Contains(c.PostLogoutRedirectURIs, requested)
}

func equalButForPort(registered, requested string) bool {
	for _, origin := range []string{"http://127.0.0.1", "http://[::1]"} {
		a, ok := strings.CutPrefix(registered, origin)
		if !ok {
			continue
		}
		b, ok := strings.CutPrefix(requested, origin)
		return ok && validPort(b) && cutPort(a) == cutPort(b)
	}
	return false
}

// validPort reports whether rest, the part after the host, starts with no port or a port from
// 1 to 65535.
func validPort(rest string) bool {
	digits, ok := strings.CutPrefix(rest, ":")
	if !ok {
		return rest == "" || rest[0] == '/' || rest[0] == '?'
	}
	n, port := 0, 0
	for n < len(digits) && digits[n] >= '0' && digits[n] <= '9' && n < 6 {
		port = port*10 + int(digits[n]-'0')
		n++
	}
	after := digits[n:]
	return n > 0 && n <= 5 && digits[0] != '0' && port <= 65535 && (after == "" || after[0] == '/' || after[0] == '?')
}

func cutPort(rest string) string {
	if !strings.HasPrefix(rest, ":") {
		return rest
	}
	return strings.TrimLeft(rest[1:], "0123456789")
}
