package pages

import (
	"html/template"
	"math"
	"time"

	"github.com/ostiary/ostiary/internal/pages/messages"
)

// ConsoleOverview is the first page of the administrators' console.
type ConsoleOverview struct {
	// Version is that of the server, Role the role of the administrator.
	Version string
	Role    messages.Message
	// ConnectURL connects the first application; empty if there is one.
	ConnectURL string
	// Keys are the current signing keys, and CertificateEnds is the end of the TLS certificate; nil if it is not
	// known, or the role may not see it.
	Keys            []KeyFact
	CertificateEnds *time.Time

	// MayAudit reports that the role sees what follows. Windows choose the number of days.
	MayAudit         bool
	Windows          []MenuItem
	SignIns, Refused uint64
	Growth           *int    // of the sign-ins, in percent
	Median           float64 // in milliseconds, NaN for none
	Mails, Notices   Undelivered
	DeliveriesURL    string // empty if the role may not see them
	Replicas         []ReplicaRow
	SignInsPlot      *Plot
	LatencyPlot      *Plot
	RefusedPlot      *Bars
	Needs            []Need
	Changes          []ChangeRow
	AuditURL         string
}

func (ConsoleOverview) template() string { return "console-overview" }

// HasMedian reports that there were requests.
func (p ConsoleOverview) HasMedian() bool { return !math.IsNaN(p.Median) }

// GrowthText says by how much the number of sign-ins has changed.
func (p ConsoleOverview) GrowthText() messages.Message {
	if *p.Growth < 0 {
		return messages.New("console.overview.fewer", "percent", -*p.Growth)
	}
	return messages.New("console.overview.more", "percent", *p.Growth)
}

// Need is something that an administrator has to look at. The link may be empty.
type Need struct {
	Text messages.Message
	Link Link
}

// KeyFact is a current signing key. Overdue reports that its rotation did not take place.
type KeyFact struct {
	Algorithm          string
	Since              When
	Rotates            time.Time
	NextReady, Overdue bool
}

// Undelivered counts messages or notices.
type Undelivered struct{ Pending, Failed int }

// ReplicaRow counts the running replicas of a version, which may be empty.
type ReplicaRow struct {
	Version string
	Count   int
}

// Isolate returns a name from another party as the argument of a message that a template shows as markup: it
// cannot change the direction of the text around it.
func Isolate(name string) template.HTML { return element("<bdi>", Clean(name, nameRunes), "</bdi>") }
