package admin

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// Sealer encrypts values for one purpose, as [keyring.Keyring] does.
type Sealer interface {
	Seal(purpose string, plaintext []byte) ([]byte, error)
	Open(purpose string, sealed []byte) ([]byte, error)
}

const (
	// idleLifetime is how long a sign-in lasts without a request, maxLifetime how long at most.
	idleLifetime = 15 * time.Minute
	maxLifetime  = 8 * time.Hour
	// seenInterval is how often the time of the last request is written.
	seenInterval = time.Minute

	sessionCookie = "ostiary_console"
	statusCookie  = "ostiary_console_status"
	signInCookie  = "ostiary_console_signin"
)

// signedIn is the content of the cookie of the console: the user and the session at the issuer. It
// is valid as long as the session and the role of the account are.
type signedIn struct {
	Subject   string    `json:"sub"`
	SessionID string    `json:"sid"`
	At        time.Time `json:"at"`
	Seen      time.Time `json:"seen"`
}

// isCurrent reports whether the cookie has not expired at now.
func (s *signedIn) isCurrent(now time.Time) bool {
	return now.Before(s.Seen.Add(idleLifetime)) && now.Before(s.At.Add(maxLifetime))
}

// secure reports whether browsers reach the console by https.
func (c *Config) secure() bool { return strings.HasPrefix(c.Root, "https://") }

// cookieName returns the name of a cookie, which no other host can set over https.
//
// Spec: RFC 6265bis §4.1.3.2.
func (c *Config) cookieName(name string) string {
	if c.secure() {
		return "__Host-" + name
	}
	return name
}

// setSealed sets a cookie with the sealed value; a lifetime of 0 ends it with the browser.
func (c *Config) setSealed(w http.ResponseWriter, name string, value any, mode http.SameSite, lifetime time.Duration) error {
	plain, err := json.Marshal(value)
	if err != nil {
		return err
	}
	sealed, err := c.Sealer.Seal(name, plain)
	if err != nil {
		return err
	}
	c.setCookie(w, name, base64.RawURLEncoding.EncodeToString(sealed), mode, int(lifetime.Seconds()))
	return nil
}

// openSealed reads a cookie that setSealed wrote. It reports whether there is one.
func (c *Config) openSealed(r *http.Request, name string, into any) bool {
	cookie, err := r.Cookie(c.cookieName(name))
	if err != nil {
		return false
	}
	sealed, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil {
		return false
	}
	plain, err := c.Sealer.Open(name, sealed)
	return err == nil && json.Unmarshal(plain, into) == nil
}

func (c *Config) setCookie(w http.ResponseWriter, name, value string, mode http.SameSite, maxAge int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure is set unless the console is on a loopback address
		Name: c.cookieName(name), Value: value, Path: "/", HttpOnly: true, Secure: c.secure(), SameSite: mode, MaxAge: maxAge,
	})
}

// clearCookie removes a cookie.
func (c *Config) clearCookie(w http.ResponseWriter, name string) {
	c.setCookie(w, name, "", http.SameSiteStrictMode, -1)
}
