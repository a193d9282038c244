// Package outbox delivers what clients must hear of: for now, that a session has
// ended (OpenID Connect Back-Channel Logout).
//
// A notice is written in the transaction that makes it true, so none is lost, and
// it is delivered at least once: whoever takes one up holds it for a while only,
// and a process that dies on the way leaves it to the others. What a client does
// with its own notices, hanging or refusing, costs no other client anything.
package outbox

import (
	"crypto/rand"
	"errors"
	"strings"
	"time"
)

// ErrNotFound reports a notice that is not there.
var ErrNotFound = errors.New("notice not found")

// Kind is what a notice tells.
type Kind string

// BackchannelLogout tells a client that a session it took part in has ended.
const BackchannelLogout Kind = "backchannel_logout"

// State is how far a notice has come.
type State string

// The states of a notice.
const (
	Pending   State = "pending"
	Delivered State = "delivered"
	Failed    State = "failed" // given up
)

// States lists them.
func States() []State { return []State{Pending, Delivered, Failed} }

// Notice is something that a client is to hear of.
type Notice struct {
	ID        string
	Kind      Kind
	ClientID  string
	Subject   string // the person's own, whatever the client calls them
	SessionID string
	KnownAs   string // what the client calls them, if a login app chose it

	State     State
	CreatedAt time.Time
	DueAt     time.Time // of the next try; while one is under way, when it counts as lost
	Until     time.Time // no further try after it
	Attempts  int
	Status    int    // of the last answer over HTTP, 0 if there was none
	Fault     string // of the last try
	EndedAt   time.Time
}

// Due is a client with notices to be delivered.
type Due struct {
	ClientID string
	At       time.Time // the first of them
}

// Persistence is how long delivery of a notice is tried.
const Persistence = 24 * time.Hour

// New returns a notice that is due at once.
func New(kind Kind, clientID, subject, sessionID string, now time.Time) *Notice {
	return &Notice{
		ID: strings.ToLower(rand.Text()), Kind: kind, ClientID: clientID, Subject: subject, SessionID: sessionID,
		State: Pending, CreatedAt: now, DueAt: now, Until: now.Add(Persistence),
	}
}
