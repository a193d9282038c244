//go:build fault

package fault

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/test/rig"
)

// newSmallFixture is a server with little room, so that whatever machine it runs on there is
// soon too much.
func newSmallFixture(t *testing.T, engine rig.Engine) *fixture {
	t.Helper()
	h := &fixture{
		Cluster: rig.Serve(t, rig.Options{Database: rig.Database(t, engine), Env: map[string]string{
			"ADMISSION_SLOTS": "2", "ADMISSION_WAIT": "100ms", "ARGON2_SLOTS": "1", "ACCESS_TOKEN_ALG": "RS256",
			"REFRESH_GRACE": "5m", // for those who refresh with the same token all the time
		}}),
		clients: rig.StandardClients(), user: rig.User{Username: "ada", Password: "correct horse battery staple"},
	}
	h.client = &h.clients.Trusted
	rig.ImportClients(t, h.Cluster, h.clients.All()...)
	rig.ImportUsers(t, h.Cluster, h.user)
	h.browsers = append(h.browsers, rig.NewBrowser(h.Endpoint, h.user))
	return h
}

// checkUnaffected asks for what never waits behind anything, and fails the test if it is
// not there.
func checkUnaffected(t *testing.T, way *rig.Endpoint) {
	t.Helper()
	for _, path := range []string{
		"/health/alive", "/health/ready", "/.well-known/openid-configuration", "/.well-known/jwks.json", "/oauth2/sessions/check",
	} {
		if got := way.Get(t.Context(), path); got.Status != http.StatusOK {
			t.Errorf("%s, meanwhile: %v", path, got)
		}
	}
}

// isOverloaded reports whether an answer says so, in the shape it ought to have.
func isOverloaded(got *rig.Response, page bool) bool {
	if got.Status != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" {
		return false
	}
	if page {
		return strings.Contains(got.Body, `id="error"`)
	}
	return got.Text("error") == "temporarily_unavailable"
}

// Many times as much as can be done: what is done is done right, all else is told to
// come again, and nobody waits who does not need what there is too little of.
func TestOverload(t *testing.T) {
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			h := newSmallFixture(t, engine)
			access, refresh := h.tokens(t)
			f := &flood{t: t, fixture: h, succeeded: map[string]int{}, refused: map[string]int{}}
			var guesses []func(*rig.Endpoint) *rig.Response
			for range 60 {
				guesses = append(guesses, f.wrongPassword())
			}
			for _, guess := range guesses {
				f.repeat("token", http.StatusOK, func(e *rig.Endpoint) *rig.Response { return e.Credentials(t.Context(), &h.clients.Machine) })
				f.repeat("introspection", http.StatusOK, func(e *rig.Endpoint) *rig.Response { return e.Introspect(t.Context(), h.client, access) })
				f.repeat("refresh", http.StatusOK, func(e *rig.Endpoint) *rig.Response { return e.Refresh(t.Context(), h.client, refresh) })
				f.repeat("sign-in", http.StatusForbidden, guess)
			}
			other := h.At(0)
			for range rounds(50) {
				checkUnaffected(t, other)
			}
			f.end()
			for _, kind := range []string{"token", "introspection", "refresh", "sign-in"} {
				t.Logf("%s: %d given, %d refused", kind, f.succeeded[kind], f.refused[kind])
				if f.succeeded[kind] == 0 {
					t.Errorf("%s: none was given", kind)
				}
			}
			// A hash takes milliseconds on any machine, and 60 ask for one at a time.
			if f.refused["sign-in"] == 0 {
				t.Error("no sign-in was refused: this was not too much")
			}
			const enough = 192 << 20
			if peak := h.PeakMemory(0); peak > enough {
				t.Errorf("it took %d MiB of memory", peak>>20)
			}
			checkServed(t, h)
		})
	}
}

// checkServed lets somebody sign in and a client get tokens, each at the first attempt.
func checkServed(t *testing.T, h *fixture) {
	t.Helper()
	h.tokens(t)
	if got := h.Credentials(t.Context(), &h.clients.Machine); got.Status != http.StatusOK {
		t.Errorf("a token, afterwards: %v", got)
	}
}

// flood is many who ask without end.
type flood struct {
	t       *testing.T
	fixture *fixture
	stopped atomic.Bool
	wait    sync.WaitGroup

	mutex              sync.Mutex
	succeeded, refused map[string]int
}

// repeat has one more ask for the same thing again and again. It must get the status
// wanted, or hear that it is too much.
func (f *flood) repeat(kind string, want int, ask func(*rig.Endpoint) *rig.Response) {
	way := f.fixture.At(0) // over a connection of its own
	f.wait.Go(func() {
		for !f.stopped.Load() {
			got := ask(way)
			f.mutex.Lock()
			switch {
			case got.Status == want:
				f.succeeded[kind]++
			case isOverloaded(got, kind == "sign-in"):
				f.refused[kind]++
			default:
				f.t.Errorf("%s: %v", kind, got)
				f.stopped.Store(true)
			}
			f.mutex.Unlock()
		}
	})
}

func (f *flood) end() {
	f.stopped.Store(true)
	f.wait.Wait()
}

// wrongPassword begins to sign in and returns how to get the password wrong.
func (f *flood) wrongPassword() func(*rig.Endpoint) *rig.Response {
	f.t.Helper()
	h, p := f.fixture, rig.NewBrowser(f.fixture.Endpoint, f.fixture.user)
	query := url.Values{
		"response_type": {"code"}, "client_id": {h.client.ID}, "redirect_uri": {h.client.RedirectURI}, "scope": {"openid"}, "state": {"s"},
	}
	begun := p.Open(f.t.Context(), h.Issuer+"/oauth2/auth?"+query.Encode(), nil)
	page, err := url.Parse(begun.Header.Get("Location"))
	if err != nil || !page.Query().Has("request") {
		f.t.Fatalf("begin to sign in: %v %v", begun, err)
	}
	request := page.Query().Get("request")
	return func(*rig.Endpoint) *rig.Response {
		return p.Open(f.t.Context(), h.Issuer+"/login", url.Values{"request": {request}, "username": {"ada"}, "password": {"a wrong password"}})
	}
}

// While the database keeps those waiting who change something, no more of them wait
// for it than there is room for, and everything else goes on.
func TestSlowDatabaseBlocksFewRequests(t *testing.T) {
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			h := newSmallFixture(t, engine)
			_, refresh := h.tokens(t)
			const many = 100
			way := h.At(0)
			busy, answers := make(chan struct{}, many), make(chan error, many)
			storetest.HoldGrants(t, h.Database, func() {
				for range many {
					go func() {
						got := way.Revoke(t.Context(), h.client, refresh)
						if strings.Contains(got.Text("error_description"), "busy") {
							busy <- struct{}{}
						}
						answers <- revocationError(got)
					}()
				}
				for range many - 2 { // who is inside waits for the database
					select {
					case <-busy:
					case <-time.After(retryTimeout):
						t.Error("more wait for the database than there is room for")
						return
					}
				}
				checkUnaffected(t, way)
				if got := h.Credentials(t.Context(), &h.clients.Machine); got.Status != http.StatusOK {
					t.Errorf("a token, meanwhile: %v", got)
				}
			})
			for range many {
				if err := <-answers; err != nil {
					t.Error(err)
				}
			}
			if got := h.Revoke(t.Context(), h.client, refresh); got.Status != http.StatusOK {
				t.Errorf("revocation, afterwards: %v", got)
			}
			checkServed(t, h)
		})
	}
}

// revocationError returns what is wrong with the answer to a revocation that may have come at
// a bad time.
func revocationError(got *rig.Response) error {
	if got.Status == http.StatusOK || isOverloaded(got, false) {
		return nil
	}
	return fmt.Errorf("revocation: %v", got)
}
