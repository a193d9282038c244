package pages

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/language"

	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/theme"
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
	// Theme is the look that the operator gives to pages for the client; nil for none.
	Theme *theme.Theme
	// Tagged holds members of the client's metadata with a language tag, such as client_name#de.
	Tagged map[string]string
}

// in returns c with the members for a language.
//
// Spec: RFC 7591 §2.2.
func (c Client) in(tag string) Client {
	if len(c.Tagged) == 0 {
		return c
	}
	for member, field := range map[string]*string{
		"client_name": &c.Name, "logo_uri": &c.LogoURI, "policy_uri": &c.PolicyURI, "tos_uri": &c.TermsURI, "client_uri": &c.URI,
	} {
		if text := c.tagged(member, tag); text != "" {
			*field = text
		}
	}
	return c
}

// tagged returns the value of a member whose language tag is the closest to tag, or "".
func (c Client) tagged(member, tag string) string {
	var names []string
	var tags []language.Tag
	for _, name := range slices.Sorted(maps.Keys(c.Tagged)) {
		of, text, _ := strings.Cut(name, "#")
		if parsed, err := language.Parse(text); of == member && err == nil {
			names, tags = append(names, name), append(tags, parsed)
		}
	}
	if len(tags) == 0 {
		return ""
	}
	_, i, confidence := language.NewMatcher(tags).Match(language.Make(tag))
	if confidence < language.High {
		return ""
	}
	return c.Tagged[names[i]]
}

// label returns the client's name, or its host, or a default name.
func label(c Client, catalogue *messages.Catalogue) string {
	c = c.in(catalogue.Tag)
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
