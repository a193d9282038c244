package pages

import "net/http"

// Choose offers to go on as who is signed in, or as somebody else. The form posts
// the fields request, and decision: "continue" or "cancel".
type Choose struct {
	// Client is who the person is choosing for.
	Client Client
	// Action takes the form.
	Action string
	// Request is the id of the authorization request.
	Request string
	// Person is the display name of who is signed in, Username how they signed in.
	Person, Username string
	// OtherURL leads to signing in as somebody else.
	OtherURL string
}

// Choose writes the page on which an account is chosen.
//
// Spec: OpenID Connect Core section 3.1.2.1, prompt.
func (p *Pages) Choose(w http.ResponseWriter, status int, v Choose) {
	p.render(w, status, "choose", v)
}
