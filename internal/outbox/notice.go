// Package outbox delivers notices to clients, at least once: back-channel logout (OpenID Connect
// Back-Channel Logout), and decisions about backchannel authentication requests (CIBA Core §10.2).
//
// The transaction that ends a session or stores a decision also writes its notices, so none is lost. A
// dispatcher claims a notice for a limited time; if its process dies, another one delivers
// the notice. A client that is slow or fails does not delay the notices of other clients.
package outbox

import (
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"time"
)

// ErrNotFound reports that a notice does not exist.
var ErrNotFound = errors.New("notice not found")

// Kind is the type of a notice.
type Kind string

// The kinds of notices.
const (
	// BackchannelLogout notifies a client that a session in which it participated has ended.
	BackchannelLogout Kind = "backchannel_logout"
	// BackchannelPing notifies a client that a backchannel authentication request was decided.
	BackchannelPing Kind = "backchannel_ping"
)

// State is the state of a delivery.
type State string

// The states of a notice. A failed notice is not sent again.
const (
	Pending   State = "pending"
	Delivered State = "delivered"
	Failed    State = "failed"
)

// States returns all states.
func States() []State { return []State{Pending, Delivered, Failed} }

// Notice is a message to a client.
type Notice struct {
	ID            string
	Kind          Kind
	ClientID      string
	Subject       string // of the account
	SessionID     string // or the ID of a backchannel authentication request
	ForcedSubject string // the subject identifier that a custom login app chose for the client

	State     State
	CreatedAt time.Time
	DueAt     time.Time // of the next attempt; during an attempt, the end of its claim
	ExpiresAt time.Time // no attempt begins later
	Attempts  int
	Status    int    // HTTP status of the last response, 0 for none
	LastError string // of the last attempt
	EndedAt   time.Time
}

// Due is a client with pending notices.
type Due struct {
	ClientID string
	At       time.Time // when the first of them is due
}

// RetryPeriod is how long the delivery of a notice is attempted.
const RetryPeriod = 24 * time.Hour

// maxPings is how often a notification is attempted that gets no response.
const maxPings = 4

// isFinal reports whether the delivery fails with an attempt that got the status, 0 for no response. A
// notification that got any response is not repeated: the client polls anyway.
//
// Spec: OpenID Connect Back-Channel Logout §2.8, CIBA Core §10.2.
func (n *Notice) isFinal(status int) bool {
	if n.Kind == BackchannelPing {
		return status != 0 || n.Attempts >= maxPings
	}
	return status == http.StatusBadRequest && n.Attempts >= maxRejections
}

// New returns a notice that is due now.
func New(kind Kind, clientID, subject, sessionID string, now time.Time) *Notice {
	return &Notice{
		ID: strings.ToLower(rand.Text()), Kind: kind, ClientID: clientID, Subject: subject, SessionID: sessionID,
		State: Pending, CreatedAt: now, DueAt: now, ExpiresAt: now.Add(RetryPeriod),
	}
}
