package pages

import "net/http"

// FormPost is an authorization response in the response mode form_post.
type FormPost struct {
	// Action is the client's redirect URI.
	Action string
	Fields []Field
}

// FormPost writes the page that posts the response: automatically with a script, or with a
// button.
//
// Spec: OAuth 2.0 Form Post Response Mode §2.
func (p *Pages) FormPost(w http.ResponseWriter, r *http.Request, status int, v FormPost) {
	if target(v.Action) == "" {
		p.Error(w, r, http.StatusBadRequest, Error{Code: "invalid_request"})
		return
	}
	p.render(w, r, status, "formpost", v)
}
