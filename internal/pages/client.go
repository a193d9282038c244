package pages

import (
	"cmp"
	"strings"
	"unicode/utf8"

	"github.com/ostiary/ostiary/internal/pages/messages"
)

// Client is the application that sent the user to a page. It chose all fields but Host
// itself.
type Client struct {
	Name string
	// Host is the host of its registered URLs.
	Host string
	// LogoURI is shown only if it is https.
	LogoURI string
	// PolicyURI, TermsURI and URI are linked only if they are https or http.
	PolicyURI, TermsURI, URI string
}

// label returns the client's name, or its host, or a default name.
func label(c Client, catalogue *messages.Catalogue) string {
	if text := cmp.Or(Clean(c.Name, nameRunes), Clean(c.Host, hostRunes)); text != "" {
		return text
	}
	return catalogue.Text(messages.New("application.default-name"))
}

// initial returns the letter that is shown in place of a logo.
func initial(label string) string {
	r, _ := utf8.DecodeRuneInString(label)
	return strings.ToUpper(string(r))
}
