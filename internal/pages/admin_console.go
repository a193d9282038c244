package pages

import (
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/session"
)

// NotSignedIn is the reason for which the administrators' console has not signed a user in: the key of a message.
type NotSignedIn string

// Values of [NotSignedIn].
const (
	SignInCancelled     NotSignedIn = "console.not-signed-in.cancelled"
	SignInInterrupted   NotSignedIn = "console.not-signed-in.interrupted"
	SecondFactorMissing NotSignedIn = "console.not-signed-in.second-factor"
)

// ConsoleNotSignedIn is the page after a sign-in that failed. URL begins it again; AccountURL, empty
// for none, leads to the account console.
type ConsoleNotSignedIn struct {
	Reason          NotSignedIn
	URL, AccountURL string
}

func (ConsoleNotSignedIn) template() string { return "notsignedin" }

// Text says why the user is not signed in.
func (p ConsoleNotSignedIn) Text() messages.Message {
	return messages.New(string(p.Reason))
}

// AddFactor reports that the page links to the account.
func (p ConsoleNotSignedIn) AddFactor() bool {
	return p.Reason == SecondFactorMissing && p.AccountURL != ""
}

// ConsoleContinue leads to the page at URL automatically: the cookie of the console is not sent with a
// redirect from another site.
type ConsoleContinue struct{ URL string }

func (ConsoleContinue) template() string { return "continue" }

// ChangeRow is an event of the audit log. Failed reports that the change was not made.
type ChangeRow struct {
	Action, Target, Detail, Actor, Address, RequestID string
	Outcome                                           messages.Message
	Failed                                            bool
	At                                                When
}

// ConsoleAudit lists the audit log. The form gets action, actor, target, and the days since and until. FileURL and
// JSONURL are the list as a file, and LookURL is the page of the newest events. Live marks that page, which a script
// renews.
type ConsoleAudit struct {
	Form

	Action                                    string
	ByAction, ByActor, ByTarget, Since, Until string
	Changes                                   []ChangeRow
	Live                                      bool
	OlderURL, NewerURL, LookURL               string
	FileURL, JSONURL, ClearURL                string
}

func (ConsoleAudit) template() string { return "console-audit" }

// ConsoleExplain explains a rejected request. The form gets request_id.
type ConsoleExplain struct {
	Form

	Action, RequestID string
	Found             *Explanation // nil if none was looked for, or there is none
	Latest            []RejectedRow
	OlderURL          string
}

func (ConsoleExplain) template() string { return "console-explain" }

// Explanation is a rejected request, with the checks of its endpoint in their order, the rule that
// rejected it and the compared values. Names of checks, Meaning, Fix and Text are in English.
type Explanation struct {
	Rule, Cause, Request, Response, Endpoint, Client, Network string
	At                                                        When
	Checks                                                    []CheckRow
	Values                                                    []ComparedValue // of the check that failed
	Differs                                                   messages.Message
	Meaning, Fix                                              string
	// Succeeded marks a request that was granted less than it asked for.
	Succeeded bool
	// Allow adds the redirect URI of the request to the application; nil if the rule is another one.
	Allow *FormPart
	// ClientURL and UserURL show the application and the user; empty for none.
	ClientURL, UserURL string
	// Text is the explanation to copy.
	Text string
}

// CheckRow is a check of a rejected request. Without Passed and Failed it was not reached.
type CheckRow struct {
	Name, Spec     string
	Passed, Failed bool
}

// ComparedValue is a value that a check compared. Label is what it is, in place of its name.
type ComparedValue struct {
	Name, Text string
	Label      messages.Message
}

// RejectedRow is a rejected request in a list.
type RejectedRow struct {
	Rule, Client, URL string
	At                When
}

// ConsoleSessions lists the sessions of users. The form gets subject, its buttons post end, the ID
// of a session.
type ConsoleSessions struct {
	Action, Subject     string
	Sessions            []UserSessionRow
	OlderURL, NewestURL string
	MayEnd              bool
}

func (ConsoleSessions) template() string { return "console-sessions" }

// UserSessionRow is a session of a user.
type UserSessionRow struct {
	ID, Subject, User, ACR string
	Origin                 session.Origin
	Since, Seen            When
	Own                    bool // it is that of the administrator
}

// ConsoleKeys lists the signing keys by algorithm. Its forms post rotate ("on"), or withdraw, the ID of a key.
type ConsoleKeys struct {
	Action    string
	Lines     []KeyLine
	MayRotate bool
	Rotation  messages.Message // the effects of a rotation
}

func (ConsoleKeys) template() string { return "console-keys" }

// KeyLine has the keys of an algorithm, in the order of their lives.
type KeyLine struct {
	Algorithm string
	Keys      []KeyRow
}

// KeyRow is a signing key, with the times of its life.
type KeyRow struct {
	ID, Algorithm string
	State         messages.Message
	Times         []messages.Message
	Current       bool
}
