package session

import (
	"net/http"
	"time"
)

// languageCookie stores the language that a user has chosen on a page.
const languageCookie = "ostiary_language"

// languageLifetime is the longest that browsers keep a cookie (RFC 6265bis §5.6.1).
const languageLifetime = 400 * 24 * time.Hour

// LanguageCookie reads and writes the cookie with the language that a user has chosen.
type LanguageCookie struct {
	// Of has the attributes of the cookie.
	Of Cookies
}

// Language returns the value of the cookie, "" if there is none.
func (c LanguageCookie) Language(r *http.Request) string {
	cookie, err := r.Cookie(c.Of.name(languageCookie))
	if err != nil || len(cookie.Value) > 64 {
		return ""
	}
	return cookie.Value
}

// Set sets the cookie.
func (c LanguageCookie) Set(w http.ResponseWriter, value string) {
	cookie := c.Of.cookie(languageCookie, value) //nolint:gosec // cookie sets the attributes
	cookie.MaxAge = int(languageLifetime.Seconds())
	http.SetCookie(w, cookie)
}
