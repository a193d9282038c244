package pages

import (
	"strings"
	"time"
)

// AccountApprovals lists the backchannel authentication requests that wait for the user, and the
// applications that the user blocks. Its form posts unblock, a client ID.
type AccountApprovals struct {
	Action   string
	Requests []ApprovalRow
	Blocked  []BlockedRow
}

func (AccountApprovals) template() string { return "account-approvals" }

// ApprovalRow is a request in the list.
type ApprovalRow struct {
	Client  Client
	URL     string
	Message string
	Left    time.Duration
}

// BlockedRow is a blocked application.
type BlockedRow struct {
	Client Client
	ID     string
}

// AccountApproval shows one backchannel authentication request. The form posts request, its ID, and
// decision: allow, deny or block.
type AccountApproval struct {
	Action, ListURL string
	ID              string
	Client          Client
	Scopes          []Scope
	Details         []Detail
	Resources       []string
	// Message is the binding message of the application, which it may show too.
	Message string
	Network string
	Left    time.Duration
}

func (AccountApproval) template() string { return "account-approval" }

// IsNumber reports whether the message is a number that the user compares.
func (p AccountApproval) IsNumber() bool {
	return p.Message != "" && strings.Trim(p.Message, "0123456789 -") == "" && strings.ContainsAny(p.Message, "0123456789")
}
