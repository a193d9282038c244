package refusal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrNotFound reports that no rejected request has this request id, or none that is kept.
var ErrNotFound = errors.New("no such refusal")

// Record is a rejected request as it is kept.
type Record struct {
	ID        string // grows with time
	At        time.Time
	RequestID string
	Method    string
	Route     string // its pattern, never the path
	Status    int
	Code      string // the error code of the response
	Rule      Rule
	Cause     string
	ClientID  string
	GrantID   string
	Network   string // the prefix that the request came from
	Attrs     []Attr
}

// Filter chooses records. An empty member stands for any.
type Filter struct {
	ClientID string
	Rule     Rule
	Since    time.Time
}

// idRandom is how many random characters follow the moment in an id.
const idRandom = 12

// newID returns an id that grows with time.
func newID(at time.Time) string { return FirstID(at) + strings.ToLower(rand.Text()[:idRandom]) }

// FirstID is not after the id of any record since t.
func FirstID(t time.Time) string { return fmt.Sprintf("%014x", max(t.UnixMicro(), 0)) }
