package pages

import (
	"cmp"
	"strings"
	"unicode/utf8"
)

// Client is the application a page is shown on behalf of. All of it but Host is
// of the client's own choosing and shown as such.
type Client struct {
	Name string
	// Host is where the client lives, taken from its registered URLs.
	Host string
	// LogoURI is shown only if it is https.
	LogoURI string
	// PolicyURI, TermsURI and URI are linked only if they are https or http.
	PolicyURI, TermsURI, URI string
}

// label is the client's name, or the best that can be said instead of it.
func label(c Client) string {
	return cmp.Or(Clean(c.Name, nameRunes), Clean(c.Host, hostRunes), "This application")
}

// initial is the letter shown in place of a logo.
func initial(c Client) string {
	r, _ := utf8.DecodeRuneInString(label(c))
	return strings.ToUpper(string(r))
}
