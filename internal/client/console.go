package client

import "slices"

// ConsoleID is the client ID of the administrators' console. It is built in and not stored.
const ConsoleID = "ostiary-console"

// DemoID is the client ID of the demo application of a development server.
const DemoID = "demo-app"

// NewConsole returns the client of the administrators' console, a relying party of this server:
// public, with PKCE, and one redirect URI.
//
// Spec: RFC 9700 §2.1.1.
func NewConsole(redirectURI string) *Client {
	return &Client{ID: ConsoleID, Version: 1, Metadata: Metadata{
		ClientName: "Ostiary", ApplicationType: "web", RedirectURIs: []string{redirectURI},
		GrantTypes: []string{GrantAuthorizationCode}, ResponseTypes: []string{ResponseTypeCode}, Scope: "openid",
		TokenEndpointAuthMethod: AuthNone, IDTokenSignedResponseAlg: "RS256", RequirePKCE: true, SkipConsent: true,
	}}
}

// IsBuiltIn reports whether id is that of a built-in client. No client can be registered under it.
func IsBuiltIn(id string) bool { return slices.Contains([]string{AccountConsoleID, ConsoleID}, id) }
