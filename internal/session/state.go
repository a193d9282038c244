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

// StateName is the name of the cookie that scripts of ours read, in the frame that
// tells clients' pages whether the person is still the same. It opens nothing.
//
// Spec: OpenID Connect Session Management section 3.2 (the OP browser state).
func (c Cookies) StateName() string { return c.name(stateCookie) }

// State returns the session_state of an answer that goes to redirectURI, or ""
// for an address that has no origin. The check-session frame computes the same
// from the cookie, for the origin that asks.
//
// Spec: OpenID Connect Session Management sections 2 and 3.2.
func (c Cookies) State(s *Session, clientID, redirectURI string) string {
	origin := origin(redirectURI)
	if origin == "" {
		return ""
	}
	salt := random(12)
	sum := sha256.Sum256([]byte(strings.Join([]string{clientID, origin, c.browserState(s.ID), salt}, " ")))
	return base64.RawURLEncoding.EncodeToString(sum[:]) + "." + salt
}

// browserState is a name for the session that tells nobody which it is. It stays
// the same while the session does, so that confirming a password disturbs no
// client, and another session has another one.
func (c Cookies) browserState(sessionID string) string {
	mac := hmac.New(sha256.New, c.StateKey)
	mac.Write([]byte(sessionID))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// origin writes the origin of a web address as a browser does (HTML, serialisation
// of an origin).
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

// ShowState lets scripts of ours see that the browser has the session. It writes
// only what the browser does not have already.
func (c Cookies) ShowState(w http.ResponseWriter, r *http.Request, s *Session) {
	cookie, err := r.Cookie(c.StateName())
	if err == nil && cookie.Value == c.browserState(s.ID) {
		return
	}
	http.SetCookie(w, c.state(s))
}

// HideState takes the state away from a browser that has one.
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

// state is read in a frame on other sites' pages, to which browsers show no
// cookie that is Lax. They take one that is not over https alone.
func (c Cookies) state(s *Session) *http.Cookie {
	cookie := c.cookie(stateCookie, c.browserState(s.ID)) //nolint:gosec // cookie sets the attributes
	cookie.HttpOnly = false
	if c.Secure {
		cookie.SameSite = http.SameSiteNoneMode
	}
	if s.Remembered {
		cookie.Expires = s.EndsAt
	}
	return cookie
}
