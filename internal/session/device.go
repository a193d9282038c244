package session

import (
	"encoding/base64"
	"net/http"
	"time"
)

// deviceCookie names the browser to the accounts that have signed in there. It opens
// nothing: it only keeps password failures of other browsers apart.
const deviceCookie = "ostiary_device"

// Device returns the value of the device cookie, or "" if the browser has none that
// [NewCookie] could have made.
func (c Cookies) Device(r *http.Request) string {
	cookie, err := r.Cookie(c.name(deviceCookie))
	if err != nil {
		return ""
	}
	value, err := base64.RawURLEncoding.Strict().DecodeString(cookie.Value)
	if err != nil || len(value) != cookieBytes {
		return ""
	}
	return cookie.Value
}

// SetDevice gives the browser its device cookie for lifetime.
func (c Cookies) SetDevice(w http.ResponseWriter, value string, lifetime time.Duration) {
	cookie := c.cookie(deviceCookie, value) //nolint:gosec // cookie sets the attributes
	cookie.MaxAge = int(lifetime.Seconds())
	http.SetCookie(w, cookie)
}
