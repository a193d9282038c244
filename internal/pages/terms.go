package pages

import "html/template"

// Terms are the terms of the operator on a form, empty for none. The form posts terms, the version.
type Terms struct {
	URL, Version string
	// Accepted is the previous input of the checkbox.
	Accepted bool
}

// AcceptTerms is the page on which a user accepts the terms before an application gets a response.
// The form posts the fields request and terms; or decision ("cancel").
type AcceptTerms struct {
	// Client is the application that sent the user; nil if there is none.
	Client *Client
	// Action is the URL of the form.
	Action string
	// Request is the ID of the authorization request.
	Request string
	Terms   Terms
	// Changed reports that the user has accepted an earlier version.
	Changed bool
}

func (AcceptTerms) template() string { return "acceptterms" }

// outside returns a link that opens in a new tab, with a hint at that for screen readers.
func outside(id, url string, text, hint template.HTML) template.HTML {
	//nolint:gosec // the URL is escaped, the others are HTML
	return template.HTML(`<a id="`+id+`" href="`+template.HTMLEscapeString(webLink(url))+`" target="_blank" rel="noopener noreferrer">`) +
		text + `<span class="hidden"> ` + hint + `</span></a>`
}
