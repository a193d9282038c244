package web

import "net/http"

// Field is a form field that the person does not see. Its value is passed on
// byte for byte.
type Field struct {
	Name, Value string
}

// SignOut asks whether the person means to sign out. The form posts Fields.
type SignOut struct {
	// Client is who asked for it; nil if nobody did.
	Client *Client
	// Action takes the form.
	Action string
	Fields []Field
	// Person is who is signed in.
	Person string
	// CancelURL leads back without signing out; empty offers no way back.
	CancelURL string
}

// SignOut writes the page that confirms a sign-out.
//
// Spec: OpenID Connect RP-Initiated Logout section 2.
func (p *Pages) SignOut(w http.ResponseWriter, status int, v SignOut) {
	p.render(w, status, "signout", v)
}

// SignedOut says that the person is signed out.
type SignedOut struct {
	// Client is who asked for it; nil if nobody did.
	Client *Client
	// ReturnURL leads on; empty offers no way on.
	ReturnURL string
}

// SignedOut writes the page that ends a sign-out.
func (p *Pages) SignedOut(w http.ResponseWriter, status int, v SignedOut) {
	p.render(w, status, "signedout", v)
}
