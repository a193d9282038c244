package pages

import "github.com/ostiary/ostiary/internal/pages/messages"

// ConsoleDeliveries lists the messages to users and the notices to applications that are not delivered. Its forms
// post list, the ID of a list, and retry, the ID of a message or "all".
type ConsoleDeliveries struct {
	Action  string
	HasMail bool // the server sends mail
	Lists   []DeliveryList
	// AllURL shows all lists; empty if the page has all.
	AllURL string
}

func (ConsoleDeliveries) template() string { return "console-mail" }

// DeliveryList is a list of messages in one state.
type DeliveryList struct {
	ID                 string
	Heading, Empty     messages.Message
	Rows               []DeliveryRow
	MayRetry, RetryAll bool
	MoreURL            string
}

// DeliveryRow is a message, without its text.
type DeliveryRow struct {
	ID, Kind, To, Error string
	Attempts            int
	Created             When
}
