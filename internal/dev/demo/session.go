package demo

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

// Cookies are shared between ports: on localhost the identity provider and this app receive
// each other's cookies. The prefix avoids conflicts.
const (
	browserCookie = "ostiary_demo_signin"
	sessionCookie = "ostiary_demo_session"

	sessionLifetime = 12 * time.Hour
)

// session is a session of this app, independent of the one at the provider.
type session struct {
	since time.Time
	ask   string

	mu        sync.Mutex // held during a refresh, so that one request at a time redeems a rotating token
	token     *oauth2.Token
	id        *identity
	userinfo  json.RawMessage
	inspected json.RawMessage
	refreshed time.Time
	changed   map[string]bool
}

func (v *session) identity() *identity {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.id
}

// session returns the session of a browser, or nil.
func (a *app) session(r *http.Request) *session {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return nil
	}
	v, _ := a.visits.get(cookie.Value)
	return v
}

// startSession starts a session with a new cookie, and ends the previous session of the
// browser, so that a planted cookie is useless.
func (a *app) startSession(w http.ResponseWriter, r *http.Request, v *session) {
	a.drop(r)
	name := rand.Text()
	a.visits.put(name, v)
	a.setCookie(w, sessionCookie, name, sessionLifetime)
}

// drop ends the session of this browser, but not the one at the provider.
func (a *app) drop(r *http.Request) {
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		a.visits.take(cookie.Value)
	}
}

// browser returns the ID of the browser that is redirected to the provider. The ID is kept, so
// that two tabs can sign in concurrently.
func (a *app) browser(w http.ResponseWriter, r *http.Request) string {
	name := rand.Text()
	if cookie, err := r.Cookie(browserCookie); err == nil && len(cookie.Value) == len(name) {
		name = cookie.Value
	}
	a.setCookie(w, browserCookie, name, attemptLifetime)
	return name
}

func (a *app) isBrowser(r *http.Request, name string) bool {
	cookie, err := r.Cookie(browserCookie)
	return err == nil && cookie.Value == name
}

// setCookie sets an HttpOnly cookie. It is Lax, not Strict, since the redirect from the
// provider must carry it.
func (a *app) setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure if the application uses https
		Name: name, Value: value, Path: "/", MaxAge: int(life.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: a.base.Scheme == "https",
	})
}
