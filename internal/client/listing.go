package client

import "time"

// Selection selects clients in a [Listing].
type Selection string

// Values of [Selection].
const (
	SelectAll        Selection = ""
	SelectNeverUsed  Selection = "never_used"
	SelectFailing    Selection = "failing" // with rejected requests
	SelectRegistered Selection = "registered"
)

// Selections returns the selections of fewer than all clients.
func Selections() []Selection { return []Selection{SelectNeverUsed, SelectFailing, SelectRegistered} }

// Listing selects clients in the order of their names; a client without a name has its ID.
type Listing struct {
	// Prefix is the beginning of the name, in any case; empty for all.
	Prefix string
	Only   Selection
	// Since is the time from which rejected requests count.
	Since time.Time
	// After is the position after which the list starts, and Descending its order.
	After      Position
	Descending bool
	Limit      int
}

// Position is the position of a client in a [Listing]. The zero value is the beginning.
type Position struct{ Name, ID string }

// Listed is a client in a [Listing].
type Listed struct {
	Client   *Client
	Position Position
	UsedAt   time.Time // zero if it was not used
	Refusals Refusals
}

// Refusals counts the rejected requests of a client.
type Refusals struct {
	Count int
	// More reports that there are more than Count.
	More bool
	// LastRequest is the ID of the latest rejected request.
	LastRequest string
}

// RefusedWithin is the time for which lists count rejected requests.
const RefusedWithin = 7 * 24 * time.Hour

// RefusedRule counts the rejected requests of a client by rule.
type RefusedRule struct {
	Rule        string
	Count       int
	LastRequest string
	LastAt      time.Time
}
