package pages

import "net/http"

// FormPost is an authorization answer on its way to a client.
type FormPost struct {
	// Action is the client's redirect URI.
	Action string
	Fields []Field
}

// FormPost writes the page that posts the answer: by itself where scripts run,
// by its button elsewhere.
//
// Spec: OAuth 2.0 Form Post Response Mode section 2.
func (p *Pages) FormPost(w http.ResponseWriter, status int, v FormPost) {
	if target(v.Action) == "" {
		p.Error(w, http.StatusBadRequest, Error{Code: "invalid_request"})
		return
	}
	p.render(w, status, "formpost", v)
}
