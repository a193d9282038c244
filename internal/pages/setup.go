package pages

import "net/http"

// Setup asks the first administrator to choose a user name and a password. The
// form posts the fields token, username, password and repeat.
type Setup struct {
	// Action takes the form.
	Action string
	// Token is the secret of the one-time link.
	Token    string
	Username string
	// MinLength is how long a password must be at least.
	MinLength int
	// Fault is one sentence on what was wrong with the last try.
	Fault string
}

// Setup writes the page on which the first administrator is made.
func (p *Pages) Setup(w http.ResponseWriter, status int, v Setup) {
	p.render(w, status, "setup", v)
}

// SetupDone says that the first administrator exists.
type SetupDone struct {
	Username string
	// Next are places worth going to from here.
	Next []Link
}

// Link is a place to go and what to call it.
type Link struct {
	URL, Text string
}

// SetupDone writes the page that ends the set-up.
func (p *Pages) SetupDone(w http.ResponseWriter, status int, v SetupDone) {
	p.render(w, status, "setupdone", v)
}
