package pages

import "github.com/ostiary/ostiary/internal/pages/messages"

// ConsoleApplications lists the applications. The form gets search and only.
type ConsoleApplications struct {
	Action, Search string
	// Only has the selections of applications.
	Only []Option
	// NewURL connects an application; empty if the role may not.
	NewURL             string
	Rows               []ConnectedApplication
	Empty              messages.Message
	OlderURL, NewerURL string
}

func (ConsoleApplications) template() string { return "console-applications" }

// ConsoleConnect is the form that connects an application.
type ConsoleConnect struct {
	ConsoleForm

	// Presets has the redirect URIs of each application as JSON, for the script that checks them.
	Presets string
}

func (ConsoleConnect) template() string { return "console-connect" }

// ConnectedApplication is an application in a list. Without Groups, everyone may use it. Used is nil if it was
// never used.
type ConnectedApplication struct {
	Name, URL string
	Kind      messages.Message
	Groups    []string
	Used      *When
	Refused   messages.Message
	// WhyURL explains the latest rejected request; empty for none.
	WhyURL   string
	Disabled bool
}

// ApplicationUse is how an application is used. Its part of the page is read again while one waits for
// the first sign-in.
type ApplicationUse struct {
	Used *When // nil if it was never used
	// URL is the page of the application.
	URL string
	// Refused is the latest rejected request; nil for none.
	Refused *RefusedUse
}

// RefusedUse is a rejected request of an application.
type RefusedUse struct {
	Rule, URI, WhyURL string
	At                When
	// Allow adds the redirect URI; nil if it is not about one.
	Allow *FormPart
}
