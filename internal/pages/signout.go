package pages

import (
	"net/http"
	"slices"
)

// Field is a hidden form field. Its value is sent unchanged.
type Field struct {
	Name, Value string
}

// SignOut asks the user to confirm the logout. The form posts Fields.
type SignOut struct {
	// Client is the application that requested the logout; nil if there is none.
	Client *Client
	// Action is the URL of the form.
	Action string
	Fields []Field
	// DisplayName is the name of the signed-in user.
	DisplayName string
	// CancelURL returns without signing out; empty hides the link.
	CancelURL string
	// Self is the path of this page, to show it again in another language; empty uses the path of
	// the request.
	Self string
}

// SignOut writes the confirmation page.
//
// Spec: OpenID Connect RP-Initiated Logout §2.
func (p *Pages) SignOut(w http.ResponseWriter, r *http.Request, status int, v SignOut) {
	p.render(w, r, status, "signout", v)
}

// SignedOut confirms the logout.
type SignedOut struct {
	// Client is the application that requested the logout; nil if there is none.
	Client *Client
	// ReturnURL is the target of the return link; empty hides it.
	ReturnURL string
	// Next is the URL that the page opens when the frames are loaded, or after a few
	// seconds; empty stays on the page.
	Next string
	// Frames are the front-channel logout URIs to load.
	Frames []string
}

// SignedOut writes the page.
//
// Spec: OpenID Connect Front-Channel Logout §3.
func (p *Pages) SignedOut(w http.ResponseWriter, r *http.Request, status int, v SignedOut) {
	v.Frames = slices.DeleteFunc(slices.Clone(v.Frames), func(frame string) bool { return frameOrigin(frame) == "" })
	name := "signedout"
	if v.Next != "" {
		if target(v.Next) == "" {
			p.Error(w, r, http.StatusBadRequest, Error{Code: "invalid_request"})
			return
		}
		name = "leaving"
	}
	p.renderer.render(w, r, status, name, p.renderer.policies[name].framing(v.Frames), v)
}
