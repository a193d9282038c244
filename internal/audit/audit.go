// Package audit defines audit events: actor, action, target, time, address and outcome of
// each change by an operator or an API client.
//
// An event is stored before its change, so that every change has an event, and its outcome
// afterwards. If an event has no outcome, the process ended or the database was lost in
// between, and the change may or may not have been made.
package audit

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Kind is how an actor authenticated.
type Kind string

// The kinds of actors.
const (
	Key     Kind = "api_key"
	Token   Kind = "access_token"
	Command Kind = "cli"
	User    Kind = "user" // a user who changes the own account
	// Administrator is a user who changes something at the administrators' console.
	Administrator Kind = "administrator"
	Client        Kind = "client" // a client that manages its own registration
	Anonymous     Kind = "none"   // the API runs without authentication
)

// Actor identifies the author of a change.
type Actor struct {
	Kind Kind
	ID   string // of the key, the client, the token's client, or the user of the machine
	Name string // of the API key, or the subject of the token
}

// Outcome is the result of a change.
type Outcome string

// The outcomes. A change without an outcome may have been made or not.
const (
	Done    Outcome = "done"
	Refused Outcome = "refused" // because of the request
	Failed  Outcome = "failed"  // because of the server
)

// OutcomeOf returns the outcome for the HTTP status of a response.
func OutcomeOf(status int) Outcome {
	switch {
	case status < http.StatusBadRequest:
		return Done
	case status < http.StatusInternalServerError:
		return Refused
	default:
		return Failed
	}
}

// Event describes one change.
type Event struct {
	ID        string // grows with time
	At        time.Time
	Action    string // such as client.create
	Target    string // an id, or the filter that selected several
	Detail    string // what changed, such as "admin_role: none to owner"; mostly empty
	Actor     Actor
	Address   string // of the caller, if over the network
	RequestID string
	Outcome   Outcome
	Status    int // of the HTTP response
}

// NewEvent returns an event without an outcome.
func NewEvent(action, target string, by Actor, now time.Time) *Event {
	return &Event{
		ID: FirstID(now) + strings.ToLower(rand.Text()[:idRandom]), At: now,
		Action: action, Target: Truncate(target), Actor: by,
	}
}

// idRandom is the number of random characters after the time in an id.
const idRandom = 12

// FirstID returns a lower bound for the ids of events since t.
func FirstID(t time.Time) string { return fmt.Sprintf("%014x", max(t.UnixMicro(), 0)) }

// maxTarget is the maximum length of a target in bytes. Callers choose some targets.
const maxTarget = 512

// Truncate returns text in a form that an event can store: at most 512 bytes of valid UTF-8
// without NUL.
func Truncate(text string) string {
	if len(text) > maxTarget {
		text = text[:maxTarget]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\x00", "?")
}

// Filter selects events. An empty member matches all.
type Filter struct {
	Action string
	Actor  string // id
	Target string
	Since  time.Time
	Until  time.Time // exclusive
}
