package pages

import (
	"net/http"
	"time"
)

// Consent asks whether a client may have what it asks for. The form posts the
// fields request, decision ("accept" or "deny"), and remember ("on") if the
// answer is to be kept.
type Consent struct {
	Client Client
	// Action takes the form.
	Action string
	// Request is the id of the authorization request.
	Request string
	// RedirectHost is where the answer will be sent.
	RedirectHost string
	// Person is the display name of who is signed in, Username how they signed in.
	Person, Username string
	Scopes           []Scope
	// Lifetime, if positive, is how long the access lasts at most.
	Lifetime time.Duration
	// Remember offers not to ask again. Leave it out where the next request is asked about
	// in any case.
	Remember bool
	// SwitchURL leads to signing in as somebody else; empty offers no such way.
	SwitchURL string
}

// Scope is one thing a client asks for, in plain words.
type Scope struct {
	Name, Title, Text string
	// Icon names a drawing among the page's icons.
	Icon string
}

// Consent writes the consent page.
func (p *Pages) Consent(w http.ResponseWriter, status int, v Consent) {
	p.render(w, status, "consent", v)
}

// DescribeScope puts a scope into plain words. Of a scope it does not know it
// says so, rather than guess at what its name promises.
//
// Spec: OpenID Connect Core section 5.4 and section 11.
func DescribeScope(name string) Scope {
	s := Scope{Name: name}
	switch name {
	case "openid":
		s.Title, s.Icon = "Recognise you", "key"
		s.Text = "It learns an identifier for you, so that it knows you when you come back."
	case "profile":
		s.Title, s.Icon = "See your profile", "person"
		s.Text = "Your name and picture, and further details you have given, such as birthday, language and time zone."
	case "email":
		s.Title, s.Icon = "See your email address", "mail"
		s.Text = "And whether it has been confirmed to be yours."
	case "address":
		s.Title, s.Icon = "See your postal address", "house"
		s.Text = "Street, town, region and country, as far as you have given them."
	case "phone":
		s.Title, s.Icon = "See your phone number", "phone"
		s.Text = "And whether it has been confirmed to be yours."
	case "offline_access", "offline":
		s.Title, s.Icon = "Keep access while you are away", "clock"
		s.Text = "It can use what you allow here when you are not using it, until the access is ended."
	default:
		s.Title, s.Icon = name, "unknown"
		s.Text = "There is no description of this permission. If you do not know what it means, ask before you allow it."
	}
	return s
}
