package authorize

import (
	"strings"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/refusal"
)

// redirectURIMismatch explains that a received redirect URI is not registered for c.
func redirectURIMismatch(c *client.Client, received string) *refusal.Cause {
	registered := refusal.Registered("registered_redirect_uris", strings.Join(c.RedirectURIs, " "))
	switch {
	case received != "":
		return refusal.New(refusal.RedirectURIMismatch, "the redirect URI is not registered for the client",
			registered, refusal.Received("received_redirect_uri", received))
	case len(c.RedirectURIs) == 0:
		return refusal.New(refusal.RedirectURIMissing, "the client has no redirect URI registered")
	default:
		return refusal.New(refusal.RedirectURIMissing, "the request has no redirect_uri, and not exactly one is registered", registered)
	}
}

// redirectURIDetail tells the developer of c which redirect URI was received. It goes to
// the error page, or as error_description to the operator's: printable ASCII without
// quotation marks and backslashes (RFC 6749 section 4.1.2.1).
func redirectURIDetail(c *client.Client, received string) string {
	if received == "" {
		return "The client " + printable(c.ID) + " sent no redirect_uri"
	}
	return "The redirect_uri " + printable(refusal.Received("", received).Value) + " is not registered for the client " + printable(c.ID)
}

func printable(text string) string {
	return strings.Map(func(c rune) rune {
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return '?'
		}
		return c
	}, text)
}
