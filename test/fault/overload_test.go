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

// newSmallFixture starts a server with few slots, which is overloaded on any machine.
func newSmallFixture(t *testing.T, engine rig.Engine) *fixture {
	t.Helper()
	h := &fixture{
		Cluster: rig.Serve(t, rig.Options{Database: rig.Database(t, engine), Env: map[string]string{
			"ADMISSION_SLOTS": "2", "ADMISSION_WAIT": "100ms", "ARGON2_SLOTS": "1", "ACCESS_TOKEN_ALG": "RS256",
			"REFRESH_GRACE": "5m", // for clients that reuse a refresh token
		}}),
		clients: rig.StandardClients(), user: rig.User{Username: "ada", Password: "correct horse battery staple"},
	}
	h.client = &h.clients.Trusted
	rig.ImportClients(t, h.Cluster, h.clients.All()...)
	rig.ImportUsers(t, h.Cluster, h.user)
	h.browsers = append(h.browsers, rig.NewBrowser(h.Endpoint, h.user))
	return h
}

// checkUnaffected requests the resources that need no slot, and fails the test if one
// is not available.
func checkUnaffected(t *testing.T, endpoint *rig.Endpoint) {
	t.Helper()
	for _, path := range []string{
		"/health/alive", "/health/ready", "/.well-known/openid-configuration", "/.well-known/jwks.json", "/oauth2/sessions/check",
	} {
		if got := endpoint.Get(t.Context(), path); got.Status != http.StatusOK {
			t.Errorf("%s, under overload: %v", path, got)
		}
	}
}

// isOverloaded reports whether the response is a well-formed overload error.
func isOverloaded(got *rig.Response, page bool) bool {
	if got.Status != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" {
		return false
	}
	if page {
		return strings.Contains(got.Body, `id="error"`)
	}
	return got.Text("error") == "temporarily_unavailable"
}

// Load far above capacity: admitted requests succeed, others are rejected with
// Retry-After, and requests for other resources are not delayed.
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
				t.Logf("%s: %d succeeded, %d rejected", kind, f.succeeded[kind], f.refused[kind])
				if f.succeeded[kind] == 0 {
					t.Errorf("%s: none succeeded", kind)
				}
			}
			// A hash takes milliseconds on any machine, and 60 clients compete for one slot.
			if f.refused["sign-in"] == 0 {
				t.Error("no sign-in was rejected: the server was not overloaded")
			}
			const limit = 192 << 20
			if peak := rig.PeakMemory(h.Cluster, 0); peak > limit {
				t.Errorf("peak memory is %d MiB", peak>>20)
			}
			checkServed(t, h)
		})
	}
}

// checkServed fails the test unless a sign-in and a token request succeed on the first
// attempt.
func checkServed(t *testing.T, h *fixture) {
	t.Helper()
	h.tokens(t)
	if got := h.Credentials(t.Context(), &h.clients.Machine); got.Status != http.StatusOK {
		t.Errorf("a token, after the load: %v", got)
	}
}

// flood sends requests from many clients until it is stopped.
type flood struct {
	t       *testing.T
	fixture *fixture
	stopped atomic.Bool
	wait    sync.WaitGroup

	mutex              sync.Mutex
	succeeded, refused map[string]int
}

// repeat adds a client that sends a request repeatedly. Each response must have the
// wanted status or be an overload error.
func (f *flood) repeat(kind string, want int, send func(*rig.Endpoint) *rig.Response) {
	endpoint := f.fixture.At(0) // with a separate connection
	f.wait.Go(func() {
		for !f.stopped.Load() {
			got := send(endpoint)
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

// wrongPassword starts a sign-in and returns a function that sends a wrong password.
func (f *flood) wrongPassword() func(*rig.Endpoint) *rig.Response {
	f.t.Helper()
	h, p := f.fixture, rig.NewBrowser(f.fixture.Endpoint, f.fixture.user)
	query := url.Values{
		"response_type": {"code"}, "client_id": {h.client.ID}, "redirect_uri": {h.client.RedirectURI}, "scope": {"openid"}, "state": {"s"},
	}
	begun := p.Open(f.t.Context(), h.Issuer+"/oauth2/auth?"+query.Encode(), nil)
	page, err := url.Parse(begun.Header.Get("Location"))
	if err != nil || !page.Query().Has("request") {
		f.t.Fatalf("start a sign-in: %v %v", begun, err)
	}
	request := page.Query().Get("request")
	return func(*rig.Endpoint) *rig.Response {
		return p.Open(f.t.Context(), h.Issuer+"/login", url.Values{"request": {request}, "username": {"ada"}, "password": {"a wrong password"}})
	}
}

// If the database blocks writes, only as many requests wait for it as there are slots,
// and all others are served.
func TestSlowDatabaseBlocksFewRequests(t *testing.T) {
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			h := newSmallFixture(t, engine)
			_, refresh := h.tokens(t)
			const many = 100
			endpoint := h.At(0)
			busy, answers := make(chan struct{}, many), make(chan error, many)
			storetest.HoldGrants(t, h.Database, func() {
				for range many {
					go func() {
						got := endpoint.Revoke(t.Context(), h.client, refresh)
						if strings.Contains(got.Text("error_description"), "busy") {
							busy <- struct{}{}
						}
						answers <- revocationError(got)
					}()
				}
				for range many - 2 { // the two in slots wait for the database
					select {
					case <-busy:
					case <-time.After(retryTimeout):
						t.Error("more requests wait for the database than there are slots")
						return
					}
				}
				checkUnaffected(t, endpoint)
				if got := h.Credentials(t.Context(), &h.clients.Machine); got.Status != http.StatusOK {
					t.Errorf("a token, while writes are blocked: %v", got)
				}
			})
			for range many {
				if err := <-answers; err != nil {
					t.Error(err)
				}
			}
			if got := h.Revoke(t.Context(), h.client, refresh); got.Status != http.StatusOK {
				t.Errorf("revocation, after the block: %v", got)
			}
			checkServed(t, h)
		})
	}
}

// revocationError returns an error unless the revocation succeeded or was rejected for
// overload.
func revocationError(got *rig.Response) error {
	if got.Status == http.StatusOK || isOverloaded(got, false) {
		return nil
	}
	return fmt.Errorf("revocation: %v", got)
}
