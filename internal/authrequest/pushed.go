package authrequest

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
)

// Pushed is a validated authorization request that a client pushed. Until it expires, browsers begin it
// with its request_uri any number of times; the first response counts.
//
// Spec: RFC 9126 §2.2, §4.
type Pushed struct {
	ID         string // see [NewPushedID]
	ClientID   string
	Parameters string // canonical and validated, as a query string
	CreatedAt  time.Time
	ExpiresAt  time.Time
	// Grant locates the grant that the response will create: a second one fails with
	// [grant.ErrExists].
	Grant grant.Locator
}

// requestURI begins the request_uri of pushed requests.
const requestURI = "urn:ietf:params:oauth:request_uri:"

// pushedBytes is the size of the random ID of a pushed request.
const pushedBytes = 32

// NewPushedID returns a new ID of 256 random bits in base64url.
func NewPushedID() string {
	b := make([]byte, pushedBytes)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// RequestURI returns the request_uri of the request.
func (p *Pushed) RequestURI() string { return requestURI + p.ID }

// ParsePushed returns the ID of a request_uri. It reports false for other values, such as the URL of
// a request object.
func ParsePushed(uri string) (id string, ok bool) {
	id, ok = strings.CutPrefix(uri, requestURI)
	return id, ok && len(id) == base64.RawURLEncoding.EncodedLen(pushedBytes)
}
