package pages

import "net/http"

// Choose lets the user continue with the signed-in account or choose another. The form posts
// the fields request, and decision: "continue" or "cancel".
type Choose struct {
	// Client is the application that sent the user.
	Client Client
	// Action is the URL of the form.
	Action string
	// Request is the ID of the authorization request.
	Request string
	// DisplayName and Username belong to the signed-in user.
	DisplayName, Username string
	// OtherURL is the sign-in page for another account.
	OtherURL string
}

// Choose writes the account chooser.
//
// Spec: OpenID Connect Core §3.1.2.1 (prompt=select_account).
func (p *Pages) Choose(w http.ResponseWriter, r *http.Request, status int, v Choose) {
	p.render(w, r, status, "choose", v)
}
