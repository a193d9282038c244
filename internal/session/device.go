package session

import (
	"encoding/base64"
	"net/http"
	"time"
)

// deviceCookie identifies the browser to the accounts that have signed in there. It grants
// no access: it selects the failure counter of password attempts.
const deviceCookie = "ostiary_device"

// Device returns the value of the device cookie, "" if it is missing or malformed.
func (c Cookies) Device(r *http.Request) string { return c.token(r, deviceCookie) }

// token returns the value of a cookie that [NewCookie] made, "" if it is missing or malformed.
func (c Cookies) token(r *http.Request, name string) string {
	cookie, err := r.Cookie(c.name(name))
	if err != nil {
		return ""
	}
	value, err := base64.RawURLEncoding.Strict().DecodeString(cookie.Value)
	if err != nil || len(value) != cookieBytes {
		return ""
	}
	return cookie.Value
}

// SetDevice sets the device cookie for lifetime.
func (c Cookies) SetDevice(w http.ResponseWriter, value string, lifetime time.Duration) {
	cookie := c.cookie(deviceCookie, value) //nolint:gosec // cookie sets the attributes
	cookie.MaxAge = int(lifetime.Seconds())
	http.SetCookie(w, cookie)
}
