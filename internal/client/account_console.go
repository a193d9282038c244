package client

// AccountConsoleID is the client ID of the account console. It is built in and not stored: no
// client can be registered under it.
const AccountConsoleID = "ostiary-account"

// NewAccountConsole returns the client of the account console of the issuer. Its requests end
// with a redirect to a page of the issuer, never with a code or a token.
func NewAccountConsole(issuer string) *Client {
	c := &Client{ID: AccountConsoleID}
	c.RedirectURIs = []string{issuer + "/account"}
	c.SkipConsent = true
	return c
}
