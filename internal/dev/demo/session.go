package demo

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

// Cookies do not know ports: on localhost the identity provider sees ours and
// we see its. The prefix keeps them from treading on each other.
const (
	browserCookie = "ostiary_demo_signin"
	sessionCookie = "ostiary_demo_session"

	sessionLifetime = 12 * time.Hour
)

// visit is a person signed in to this app: its own session, which lives and
// ends apart from the one at the provider.
type session struct {
	since time.Time
	ask   string

	mu        sync.Mutex // held over a refresh: a rotating token is spent by one request at a time
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

// visit returns whose browser this is, nil if nobody's.
func (a *app) session(r *http.Request) *session {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return nil
	}
	v, _ := a.visits.get(cookie.Value)
	return v
}

// welcome begins a session under a new name. Who was signed in before is not
// any more, and a name planted in the browser beforehand is worth nothing.
func (a *app) greeting(w http.ResponseWriter, r *http.Request, v *session) {
	a.drop(r)
	name := rand.Text()
	a.visits.put(name, v)
	a.setCookie(w, sessionCookie, name, sessionLifetime)
}

// drop ends the session of this browser, here only.
func (a *app) drop(r *http.Request) {
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		a.visits.take(cookie.Value)
	}
}

// browser names the browser that is about to leave for the provider. One that
// has a name keeps it, so that two tabs may sign in at once.
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

// setCookie sets a cookie no script can read. Lax and not strict: people come
// back from the provider by a link, and are to be known when they do.
func (a *app) setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure if the application uses https
		Name: name, Value: value, Path: "/", MaxAge: int(life.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: a.base.Scheme == "https",
	})
}
