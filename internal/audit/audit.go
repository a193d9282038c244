// Package audit holds what is kept of every change that an operator makes: who did
// what to what, when, from where, and how it went.
//
// An event is written before the change it tells of, so that nothing is changed of
// which there is no trace, and its outcome is noted when that is known. An event
// without one tells of a change that may or may not have been made: the process ended,
// or the database was lost, in the middle of it.
package audit

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Kind says how an actor is known.
type Kind string

// The kinds of actors.
const (
	Key     Kind = "api_key"
	Token   Kind = "access_token"
	Command Kind = "cli"
	Client  Kind = "client" // one that registered itself and manages its registration
	Nobody  Kind = "none"   // where the API asks for no key
)

// Actor is who makes a change.
type Actor struct {
	Kind Kind
	ID   string // of the key, the client, the token's client, or the user of the machine
	Name string // what the key is for, or whom the token is about
}

// Outcome says how a change went.
type Outcome string

// The outcomes. A change without one may have been made or not.
const (
	Done    Outcome = "done"
	Refused Outcome = "refused" // for a fault of whoever asked
	Failed  Outcome = "failed"  // for one of ours
)

// OutcomeOf returns what an HTTP status says of a change.
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

// Event tells of one change.
type Event struct {
	ID        string // grows with time
	At        time.Time
	Action    string // what was done, as in client.create
	Target    string // what to: an id, or what chose several
	Actor     Actor
	Address   string // of whoever asked over the network
	RequestID string
	Outcome   Outcome
	Status    int // of the answer over HTTP
}

// NewEvent returns an event that begins now.
func NewEvent(action, target string, by Actor, now time.Time) *Event {
	return &Event{
		ID: FirstID(now) + strings.ToLower(rand.Text()[:idRandom]), At: now,
		Action: action, Target: Short(target), Actor: by,
	}
}

// idRandom is how many random characters follow the moment in an id.
const idRandom = 12

// FirstID is not after the id of any event since t.
func FirstID(t time.Time) string { return fmt.Sprintf("%014x", max(t.UnixMicro(), 0)) }

// maxTarget bounds a target, in bytes: callers choose some of them.
const maxTarget = 512

// Short is text as an event can hold it.
func Short(text string) string {
	if len(text) > maxTarget {
		text = text[:maxTarget]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\x00", "?")
}

// Filter chooses events. What is empty is not asked about.
type Filter struct {
	Action string
	Actor  string // its id
	Target string
	Since  time.Time
}
