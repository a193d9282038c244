package session

import (
	"net/http"
	"time"
)

// languageCookie stores the language that a user has chosen on a page.
const languageCookie = "ostiary_language"

// languageLifetime is the longest that browsers keep a cookie (RFC 6265bis §5.6.1).
const languageLifetime = 400 * 24 * time.Hour

// Language returns the value of the language cookie, "" if there is none.
func (c Cookies) Language(r *http.Request) string {
	cookie, err := r.Cookie(c.name(languageCookie))
	if err != nil || len(cookie.Value) > 64 {
		return ""
	}
	return cookie.Value
}

// SetLanguage sets the language cookie.
func (c Cookies) SetLanguage(w http.ResponseWriter, value string) {
	cookie := c.cookie(languageCookie, value) //nolint:gosec // cookie sets the attributes
	cookie.MaxAge = int(languageLifetime.Seconds())
	http.SetCookie(w, cookie)
}
