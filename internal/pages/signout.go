package pages

import (
	"net/http"
	"slices"
)

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
	// Next is where the person is taken when the frames have loaded, or some seconds
	// have passed; empty lets them stay.
	Next string
	// Frames are pages of clients that hear of the sign-out by being loaded.
	Frames []string
}

// SignedOut writes the page that ends a sign-out.
//
// Spec: OpenID Connect Front-Channel Logout section 3.
func (p *Pages) SignedOut(w http.ResponseWriter, status int, v SignedOut) {
	v.Frames = slices.DeleteFunc(slices.Clone(v.Frames), func(frame string) bool { return frameOrigin(frame) == "" })
	name := "signedout"
	if v.Next != "" {
		if target(v.Next) == "" {
			p.Error(w, http.StatusBadRequest, Error{Code: "invalid_request"})
			return
		}
		name = "leaving"
	}
	p.renderUnder(w, status, name, p.pages[name].policy.framing(v.Frames), v)
}
