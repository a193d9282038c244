package refusal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrNotFound reports that no record has a request id.
var ErrNotFound = errors.New("no rejected request with this id")

// Record is a stored rejected request.
type Record struct {
	ID        string // grows with time
	At        time.Time
	RequestID string
	Method    string
	Route     string // the pattern, never the path
	Status    int
	Code      string // the error code of the response
	Rule      Rule
	Cause     string
	ClientID  string
	GrantID   string
	Network   string // prefix of the client address
	Attrs     []Attr
}

// Filter selects records. An empty member matches all.
type Filter struct {
	ClientID string
	Rule     Rule
	Since    time.Time
}

// idRandom is the number of random characters after the time in an id.
const idRandom = 12

// newID returns an id that grows with time.
func newID(at time.Time) string { return FirstID(at) + strings.ToLower(rand.Text()[:idRandom]) }

// FirstID returns a lower bound for the ids of records since t.
func FirstID(t time.Time) string { return fmt.Sprintf("%014x", max(t.UnixMicro(), 0)) }
