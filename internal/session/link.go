package session

import (
	"net/http"
	"time"
)

// LinkCookies reads and writes the cookies of one-time links and of sign-ups.
type LinkCookies struct{ Cookies Cookies }

// linkCookie holds the token of a one-time link while its user is on the page that the link
// opens, so that the token is in no address. Each page has its own cookie.
const linkCookie = "ostiary_link_"

// linkLifetime is how long a user may take between opening a link and using it.
const linkLifetime = 30 * time.Minute

// Link returns the token of the link that the browser opened at a page, "" if there is none.
func (c LinkCookies) Link(r *http.Request, page string) string {
	return c.Cookies.token(r, linkCookie+page)
}

// SetLink stores the token of a link for a page. The cookie is Lax, since browsers regard the
// redirect after a link in a mail program as cross-site.
func (c LinkCookies) SetLink(w http.ResponseWriter, page, token string) {
	cookie := c.Cookies.cookie(linkCookie+page, token) //nolint:gosec // cookie sets the attributes
	cookie.MaxAge = int(linkLifetime.Seconds())
	http.SetCookie(w, cookie)
}

// ClearLink removes the token for a page.
func (c LinkCookies) ClearLink(w http.ResponseWriter, page string) {
	c.Cookies.clear(w, c.Cookies.name(linkCookie+page))
}

// signUpCookie identifies the browser in which a user signed up, until the address is
// confirmed.
const signUpCookie = "ostiary_signup"

// SignUp returns the hash of the cookie of a sign-up, nil if there is none.
func (c LinkCookies) SignUp(r *http.Request) []byte {
	value := c.Cookies.token(r, signUpCookie)
	if value == "" {
		return nil
	}
	return Hash(value)
}

// SetSignUp sets a new cookie of a sign-up for lifetime, and returns its hash.
func (c LinkCookies) SetSignUp(w http.ResponseWriter, lifetime time.Duration) []byte {
	value := NewCookie()
	cookie := c.Cookies.cookie(signUpCookie, value) //nolint:gosec // cookie sets the attributes
	cookie.MaxAge = int(lifetime.Seconds())
	http.SetCookie(w, cookie)
	return Hash(value)
}

// ClearSignUp removes the cookie of a sign-up.
func (c LinkCookies) ClearSignUp(w http.ResponseWriter) {
	c.Cookies.clear(w, c.Cookies.name(signUpCookie))
}
