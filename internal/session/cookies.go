package session

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"
)

// Cookies reads and writes the server's cookies.
//
// Over https their names have the __Host- prefix, so that no other host and no plain
// connection can set them. The prefix requires Path=/; if the issuer has a path, the names
// end in a digest of it, which separates them from other servers at the host. The cookies
// are Lax: relying parties redirect users here from other sites, and those users must still
// be signed in.
//
// Spec: RFC 6265 §4.1, RFC 6265bis §4.1.3.2 (__Host-).
type Cookies struct {
	Secure   bool   // the issuer is https
	Path     string // of the issuer; empty for the root
	StateKey []byte // the MAC key of the state cookie
}

const (
	sessionCookie = "ostiary_session"
	requestCookie = "ostiary_request_"
	maxRequests   = 24 // of one browser; servers limit the size of the Cookie header
)

// Session returns the value of the session cookie, or "" if there is none.
func (c Cookies) Session(r *http.Request) string {
	cookie, err := r.Cookie(c.name(sessionCookie))
	if err != nil || len(cookie.Value) > 128 {
		return ""
	}
	return cookie.Value
}

// SetSession sets the cookies of the session s, whose cookie has the value. The cookies of
// a remembered session expire with it, others with the browser process.
func (c Cookies) SetSession(w http.ResponseWriter, value string, s *Session) {
	cookie := c.cookie(sessionCookie, value) //nolint:gosec // cookie sets the attributes
	if s.Remembered {
		cookie.Expires = s.EndsAt
	}
	http.SetCookie(w, cookie)
	http.SetCookie(w, c.state(s))
}

// ClearSession removes the session cookie and the state cookie.
func (c Cookies) ClearSession(w http.ResponseWriter) {
	c.clear(w, c.name(sessionCookie))
	c.clearState(w)
}

// expiredRequestLifetime is the time that the cookie of a request exists after the request
// has expired, so that the error page can link to the client.
const expiredRequestLifetime = time.Hour

// BindRequest binds an authorization request to the browser by a cookie and returns the
// hash of its value, to be stored with the request: the ID of the request alone does not
// continue it in another browser. Each request has a separate cookie, so that tabs do not
// affect each other.
func (c Cookies) BindRequest(w http.ResponseWriter, r *http.Request, requestID string, lifetime time.Duration) []byte {
	c.prune(w, r)
	value := random(16)
	cookie := c.cookie(requestName(requestID), value) //nolint:gosec // cookie sets the attributes
	cookie.MaxAge = int((lifetime + expiredRequestLifetime).Seconds())
	http.SetCookie(w, cookie)
	return Hash(value)
}

// BoundRequest returns the hash of the cookie that binds the request to this browser, nil
// if there is no such cookie.
func (c Cookies) BoundRequest(r *http.Request, requestID string) []byte {
	cookie, err := r.Cookie(c.name(requestName(requestID)))
	if err != nil {
		return nil
	}
	return Hash(cookie.Value)
}

// UnbindRequest removes the cookie of a completed request.
func (c Cookies) UnbindRequest(w http.ResponseWriter, requestID string) {
	c.clear(w, c.name(requestName(requestID)))
}

// prune removes the cookies of the oldest requests of a browser that has too many: a page
// that sends requests in the background must not fill the header. Browsers list cookies in
// the order of their creation.
//
// Spec: RFC 6265 §5.4.
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

// bindsRequest reports whether a cookie with the name binds a request of this issuer.
func (c Cookies) bindsRequest(name string) bool {
	start := len(prefix(c.Secure) + requestCookie)
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
	name = prefix(c.Secure) + name
	if c.Path == "" {
		return name
	}
	digest := sha256.Sum256([]byte(c.Path))
	return name + "_" + hex.EncodeToString(digest[:4])
}

func prefix(secure bool) string {
	if secure {
		return "__Host-"
	}
	return ""
}

// requestNameID is the length of the prefix of the request ID in the cookie name.
const requestNameID = 8

func requestName(requestID string) string {
	return requestCookie + requestID[:min(len(requestID), requestNameID)]
}
