package pages

import (
	"strings"

	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/session"
)

// AccountOverview is the first page of the account console.
type AccountOverview struct {
	// User is the display name of the user, or the username.
	User string
	// Todos need the attention of the user.
	Todos []Todo
	Cards []Card
	// SignedIn is when the user last authenticated in this session, in Device.
	SignedIn When
	Device   session.Origin
}

func (AccountOverview) template() string { return "account-overview" }

// Todo is a sentence with the link to the page that deals with it.
type Todo struct {
	Text messages.Message
	Link Link
}

// Card sums up a page: a number with its noun, and the link to the page.
type Card struct {
	Text messages.Message
	Link Link
}

// AccountSessions lists the sessions of the user. Its forms post end, the ID of a session, or
// end_others ("on").
type AccountSessions struct {
	Action, SignOutURL string
	// Current is the session of this browser, Others are the other ones.
	Current SessionRow
	Others  []SessionRow
	// OlderURL shows more sessions; empty if there are none. NewestURL leads back.
	OlderURL, NewestURL string
}

func (AccountSessions) template() string { return "account-sessions" }

// SessionRow is a session in a list.
type SessionRow struct {
	ID          string
	Origin      session.Origin
	Since, Seen When
}

// AccountApplications lists the applications that may use the account. Its forms get revoke, the
// client ID.
type AccountApplications struct {
	Action       string
	Applications []ApplicationRow
}

func (AccountApplications) template() string { return "account-applications" }

// ApplicationRow is an application that may use the account.
type ApplicationRow struct {
	Client Client
	ID     string
	Scopes []Scope
	// Details are those that can be put in words.
	Details []Detail
	Since   When
	// Used is when it last got tokens; its At is zero if it has none.
	Used When
	// OpenURL opens the application; empty if it has no address.
	OpenURL string
}

// AccountRevoke asks once before an application loses access. The form posts revoke, the client
// ID.
type AccountRevoke struct {
	ApplicationRow

	Action, CancelURL string
}

func (AccountRevoke) template() string { return "account-revoke" }

// AccountPassword sets a new password. The form posts current_password, new_password and
// end_others ("on").
type AccountPassword struct {
	Form

	Action, CancelURL string
	// Username is for password managers.
	Username string
	// HasPassword reports that the user must enter the current password.
	HasPassword bool
	SetAt       When
	MinLength   int
	EndOthers   bool
}

func (AccountPassword) template() string { return "account-password" }

// AccountActivity lists what happened to the account. Its forms post not_me, the ID of an event.
type AccountActivity struct {
	Action string
	// Topics are the kinds of events that the user can select. Selected reports that the user
	// did: the list has not all kinds.
	Topics   []Topic
	Selected bool
	Events   []EventRow
	// OlderURL shows older events; empty if there are none. NewestURL leads back.
	OlderURL, NewestURL string
}

func (AccountActivity) template() string { return "account-activity" }

// Topic is a kind of events.
type Topic struct {
	Name     string
	Text     messages.Message
	Selected bool
}

// EventRow is an event in a list. Known reports that Origin has the browser or the system, and
// Alarming that somebody else may have caused the event.
type EventRow struct {
	ID       string
	Text     messages.Message
	At       When
	Known    bool
	Alarming bool
	Origin   session.Origin
}

// AccountData offers the data of the account as a file. The form posts nothing.
type AccountData struct {
	Form

	Action string
	// Waiting reports that the file is being made. FileURL is the link to the file that was made
	// at MadeAt, empty if there is none.
	Waiting bool
	FileURL string
	MadeAt  When
}

func (AccountData) template() string { return "account-data" }

// AccountProfile changes the profile. The form posts name, given_name, family_name, picture,
// locale, zoneinfo, the names of Attributes, and fields.
type AccountProfile struct {
	Form

	Action, CancelURL                                      string
	Name, GivenName, FamilyName, Picture, Locale, Zoneinfo string
	// Attributes are those of the operator that the user changes; Managed those that the user sees.
	Attributes, Managed []Attribute
	// Fields are the names of all fields.
	Fields string
	// Passkeys are the names that authenticators get; nil if passkeys are off.
	Passkeys *PasskeyUser
}

func (AccountProfile) template() string { return "account-profile" }

// Attribute is an attribute that the operator has defined.
type Attribute struct {
	ID, Name, Label string
	Type            string // string, number, boolean or list
	// Value is the text of the field. A list has a line for each item, a boolean true or false.
	Value    string
	Required bool
}

// Lines returns the items of a list, or the value.
func (a Attribute) Lines() []string { return strings.Split(a.Value, "\n") }
