package pages

import (
	"strconv"

	"github.com/ostiary/ostiary/internal/pages/messages"
)

// ConsoleConflict asks which values an object keeps, after somebody else has changed it. The form posts
// the values of the administrator again; TakeURL shows the object as it is.
type ConsoleConflict struct {
	FormPart

	Name string // of the object, from another party
	// Who changed it At a time; an empty Who for unknown.
	Who     string
	At      When
	Rows    []ConflictRow
	TakeURL string
}

func (ConsoleConflict) template() string { return "console-conflict" }

// ConflictRow is a member of an object, with the stored value and that of the administrator.
type ConflictRow struct {
	Label        messages.Message
	Theirs, Mine []string // lines
}

// ConsoleInvitations shows what becomes of a list of invitations: before they are sent, with a form, or
// afterwards, with a form that downloads the list as a file.
type ConsoleInvitations struct {
	Heading, Lede messages.Message
	Warning       messages.Message // about links, which no other page shows again
	Rows          []InvitationRow
	Form          *FormPart
	Download      *FormPart
	BackURL       string
}

func (ConsoleInvitations) template() string { return "console-invitations" }

// InvitationRow is a line of a list of invitations. Failed reports that the user is not invited. Link is
// there only once.
type InvitationRow struct {
	Line          int
	Address, Link string
	Groups        []string
	Status        messages.Message
	Failed        bool
}

// LinkField is the link in a field to copy.
func (r InvitationRow) LinkField() Fact {
	return Fact{ID: "link-" + strconv.Itoa(r.Line), Label: messages.New("console.link"), Value: r.Link, Copy: true}
}
