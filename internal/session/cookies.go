package session

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"
)

// Cookies reads and writes what a browser keeps for us.
//
// Over https the names carry the __Host- prefix, so that no other host and no
// plain connection can set them. That needs Path=/, so where the issuer has a path, the
// names end in a digest of it: other servers at the host have cookies of their own.
// They are Lax: relying parties send people here from other sites, and those must
// still be found signed in.
//
// Spec: RFC 6265 §4.1; RFC 6265bis §4.1.3.2 (__Host-).
type Cookies struct {
	Secure   bool   // the issuer is https
	Path     string // of the issuer, empty if it has none
	StateKey []byte // makes the state that scripts of ours may see
}

const (
	sessionCookie = "ostiary_session"
	requestCookie = "ostiary_request_"
	maxRequests   = 24 // of one browser at once; the header they travel in is bounded
)

// Session returns the value of the session cookie, or "" if there is none.
func (c Cookies) Session(r *http.Request) string {
	cookie, err := r.Cookie(c.name(sessionCookie))
	if err != nil || len(cookie.Value) > 128 {
		return ""
	}
	return cookie.Value
}

// SetSession gives the browser the value of the session s. A remembered session's
// cookie lasts until it ends, another's as long as the browser runs.
func (c Cookies) SetSession(w http.ResponseWriter, value string, s *Session) {
	cookie := c.cookie(sessionCookie, value) //nolint:gosec // cookie sets the attributes
	if s.Remembered {
		cookie.Expires = s.EndsAt
	}
	http.SetCookie(w, cookie)
	http.SetCookie(w, c.state(s))
}

// ClearSession takes the session cookie away, and what scripts see of it.
func (c Cookies) ClearSession(w http.ResponseWriter) {
	c.clear(w, c.name(sessionCookie))
	c.clearState(w)
}

// boundLonger is how long a browser is known to have had a request that has run out: its
// page then says where to start again.
const boundLonger = time.Hour

// BindRequest ties an authorization request to the browser and returns the hash to keep
// with it: whoever learns only the request's id cannot go on with it elsewhere.
// Each request has a cookie of its own, so that tabs do not disturb each other.
func (c Cookies) BindRequest(w http.ResponseWriter, r *http.Request, requestID string, lifetime time.Duration) []byte {
	c.prune(w, r)
	value := random(16)
	cookie := c.cookie(requestName(requestID), value) //nolint:gosec // cookie sets the attributes
	cookie.MaxAge = int((lifetime + boundLonger).Seconds())
	http.SetCookie(w, cookie)
	return Hash(value)
}

// BoundRequest returns the hash of the cookie that binds the request to this browser,
// or nil if there is none.
func (c Cookies) BoundRequest(r *http.Request, requestID string) []byte {
	cookie, err := r.Cookie(c.name(requestName(requestID)))
	if err != nil {
		return nil
	}
	return Hash(cookie.Value)
}

// UnbindRequest takes the cookie of a finished request away.
func (c Cookies) UnbindRequest(w http.ResponseWriter, requestID string) {
	c.clear(w, c.name(requestName(requestID)))
}

// prune forgets the oldest requests of a browser that has begun too many: a page
// that keeps asking in the background must not fill the header. Browsers name
// their cookies in the order of their making (RFC 6265 section 5.4).
func (c Cookies) prune(w http.ResponseWriter, r *http.Request) {
	var names []string
	for _, cookie := range r.Cookies() {
		if c.bindsRequest(cookie.Name) {
			names = append(names, cookie.Name)
		}
	}
	for len(names) >= maxRequests {
		c.clear(w, names[0])
		names = names[1:]
	}
}

// bindsRequest reports whether a cookie of that name binds a request of this issuer.
func (c Cookies) bindsRequest(name string) bool {
	start := len(c.prefix() + requestCookie)
	return len(name) == len(c.name(requestName(strings.Repeat("0", requestNameID)))) &&
		name == c.name(requestCookie+name[start:start+requestNameID])
}

func (c Cookies) clear(w http.ResponseWriter, name string) {
	cookie := c.cookie("", "") //nolint:gosec // cookie sets the attributes
	cookie.Name = name
	cookie.MaxAge = -1
	http.SetCookie(w, cookie)
}

func (c Cookies) cookie(name, value string) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure is set unless the issuer is http, which is allowed only on loopback
		Name: c.name(name), Value: value, Path: "/",
		HttpOnly: true, Secure: c.Secure, SameSite: http.SameSiteLaxMode,
	}
}

func (c Cookies) name(name string) string {
	name = c.prefix() + name
	if c.Path == "" {
		return name
	}
	digest := sha256.Sum256([]byte(c.Path))
	return name + "_" + hex.EncodeToString(digest[:4])
}

func (c Cookies) prefix() string {
	if c.Secure {
		return "__Host-"
	}
	return ""
}

// requestNameID is how much of a request's id is in the name of its cookie.
const requestNameID = 8

func requestName(requestID string) string {
	return requestCookie + requestID[:min(len(requestID), requestNameID)]
}
