package session

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
)

const stateCookie = "ostiary_state"

// StateName returns the name of the state cookie, which the script of the check-session
// frame compares for pages of clients. The cookie grants no access.
//
// Spec: OpenID Connect Session Management 1.0 §3.2 (OP browser state).
func (c Cookies) StateName() string { return c.name(stateCookie) }

// State returns the session_state of a response to redirectURI, "" for a URI without an
// origin. The check-session frame computes it from the cookie, for the origin of the page
// that sent the message.
//
// Spec: OpenID Connect Session Management 1.0 §2, §3.2.
func (c Cookies) State(s *Session, clientID, redirectURI string) string {
	origin := origin(redirectURI)
	if origin == "" {
		return ""
	}
	salt := random(12)
	sum := sha256.Sum256([]byte(strings.Join([]string{clientID, origin, browserState(c.StateKey, s.ID), salt}, " ")))
	return base64.RawURLEncoding.EncodeToString(sum[:]) + "." + salt
}

// browserState returns a pseudonym of the session ID. It is constant for the session, so
// that clients do not notice a re-authentication, and differs between sessions.
func browserState(key []byte, sessionID string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(sessionID))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// origin serializes the origin of a URL as a browser does.
//
// Spec: HTML, serialization of an origin.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		return "https://" + strings.TrimSuffix(host, ":443")
	case "http":
		return "http://" + strings.TrimSuffix(host, ":80")
	}
	return ""
}

// ShowState sets the state cookie of the session s, unless the browser has it.
func (c Cookies) ShowState(w http.ResponseWriter, r *http.Request, s *Session) {
	cookie, err := r.Cookie(c.StateName())
	if err == nil && cookie.Value == browserState(c.StateKey, s.ID) {
		return
	}
	http.SetCookie(w, c.state(s))
}

// HideState removes the state cookie, if the browser has one.
func (c Cookies) HideState(w http.ResponseWriter, r *http.Request) {
	if _, err := r.Cookie(c.StateName()); err == nil {
		c.clearState(w)
	}
}

func (c Cookies) clearState(w http.ResponseWriter) {
	cookie := c.state(&Session{}) //nolint:gosec // cookie sets the attributes
	cookie.Value, cookie.MaxAge = "", -1
	http.SetCookie(w, cookie)
}

// state returns the state cookie. Its frame is on pages of other sites, where browsers send
// no Lax cookie. They accept SameSite=None only over https.
func (c Cookies) state(s *Session) *http.Cookie {
	cookie := c.cookie(stateCookie, browserState(c.StateKey, s.ID)) //nolint:gosec // cookie sets the attributes
	cookie.HttpOnly = false
	if c.Secure {
		cookie.SameSite = http.SameSiteNoneMode
	}
	if s.Remembered {
		cookie.Expires = s.EndsAt
	}
	return cookie
}
