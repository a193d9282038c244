package session

import (
	"net/http"
	"time"
)

// trustedDeviceCookie identifies the browser to the accounts that do not want to be asked
// for a second factor there.
const trustedDeviceCookie = "ostiary_trusted_device"

// TrustedDevice returns the value of the trusted device cookie, "" if it is missing or
// malformed.
func (c Cookies) TrustedDevice(r *http.Request) string { return c.token(r, trustedDeviceCookie) }

// SetTrustedDevice sets the trusted device cookie for lifetime.
func (c Cookies) SetTrustedDevice(w http.ResponseWriter, value string, lifetime time.Duration) {
	cookie := c.cookie(trustedDeviceCookie, value) //nolint:gosec // cookie sets the attributes
	cookie.MaxAge = int(lifetime.Seconds())
	http.SetCookie(w, cookie)
}
