package login

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/credential"
)

func TestRequestIsBoundToItsBrowser(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	own, other := h.browser(t), h.browser(t)
	other.signIn(t, "bob")
	id := own.begin(t, "scope=openid")
	before := h.store.writes.Load()
	for name, got := range map[string]answer{
		"sign-in page": other.get(t, "/login?request="+id),
		"sign-in":      other.guess(t, id, "ada", password),
		"sign-up page": other.get(t, "/signup?request="+id),
		"sign-up":      other.post(t, "/signup", newcomer("request", id)),
		"consent page": other.get(t, "/consent?request="+id),
		"consent":      other.post(t, "/consent", url.Values{"request": {id}, "decision": {"accept"}}),
		"unknown":      own.get(t, "/login?request="+strings.Repeat("0", 32)),
		"not an id":    own.get(t, "/login?request=%F0%9F%9A%AA"),
	} {
		if got.status != http.StatusBadRequest || !strings.Contains(got.body, "expired_request") {
			t.Errorf("%s = %d %s", name, got.status, got.body)
		}
	}
	if h.store.writes.Load() != before {
		t.Error("another browser's visit was noted")
	}
	expect(t, own.get(t, "/login?request="+id), http.StatusOK, "Sign in")
	h.wait(2 * time.Hour)
	expect(t, own.get(t, "/login?request="+id), http.StatusBadRequest, "expired_request")
	expect(t, own.get(t, "/login"), http.StatusBadRequest, "Start at an application")
	expect(t, own.post(t, "/login?request="+id, url.Values{"username": {"ada"}}), http.StatusBadRequest, "Start at an application")
}

// A user who cannot continue a request gets a link to its client, if the client is known.
func TestExpiredRequestLinksToItsClient(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b, other := h.browser(t), h.browser(t)
	c, err := h.store.Clients.Client(t.Context(), clientID)
	if err != nil {
		t.Fatal(err)
	}
	c.InitiateLoginURI = "https://notes.example/start?a=1"
	if err := h.store.Clients.UpdateClient(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	link := `href="https://notes.example/start?a=1&amp;iss=` + url.QueryEscape(h.URL+"/") + `"`
	id := b.begin(t, "scope=openid")
	if got := other.get(t, "/login?request="+id); got.status != http.StatusBadRequest || strings.Contains(got.body, "notes.example") {
		t.Errorf("another browser is led to the client: %d %s", got.status, got.body)
	}
	h.wait(2 * time.Hour)
	for name, got := range map[string]answer{
		"sign-in page": b.get(t, "/login?request="+id), "sign-in": b.guess(t, id, "ada", password),
		"consent page": b.get(t, "/consent?request="+id), "sign-up page": b.get(t, "/signup?request="+id),
	} {
		if got.status != http.StatusBadRequest || !strings.Contains(got.body, link) || !strings.Contains(got.body, "Acme Notes") {
			t.Errorf("%s = %d %s", name, got.status, got.body)
		}
	}

	if got := b.get(t, "/login?request=long-gone"); strings.Contains(got.body, "restart") {
		t.Errorf("a request of nobody leads on: %s", got.body)
	}
	if err := h.store.Clients.DeleteClient(t.Context(), clientID); err != nil {
		t.Fatal(err)
	}
	got := b.get(t, "/login?request="+id)
	if got.status != http.StatusBadRequest || strings.Contains(got.body, "restart") {
		t.Errorf("a request of a client that is gone = %d %s", got.status, got.body)
	}
}

func TestGETChangesNothing(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b := h.browser(t)
	id, token := b.signIn(t, "ada"), h.link(t, "tok")
	chooses := b.begin(t, "prompt=select_account")
	s, _ := b.session(t)
	before, cookie := h.store.writes.Load(), b.cookie(t)
	for _, path := range []string{
		"/login?request=" + chooses, "/login?decision=continue&request=" + chooses + "&session=" + s.ID,
		"/", "/login", "/login?request=" + id, "/login?as=another&request=" + id,
		"/login?request=" + id + "&username=bob&password=" + url.QueryEscape(password),
		"/consent?request=" + id, "/consent?decision=accept&request=" + id + "&session=" + s.ID,
		"/signup", "/signup?request=" + id, "/signup?" + newcomer("request", id).Encode(),
		"/setup?token=" + token,
		"/setup?token=" + token + "&username=root&password=long+enough&repeat=long+enough",
	} {
		if got := b.get(t, path); got.header.Get("Set-Cookie") != "" || got.status >= http.StatusInternalServerError {
			t.Errorf("GET %s = %d and sets %q", path, got.status, got.header.Get("Set-Cookie"))
		}
	}
	if h.store.writes.Load() != before || b.cookie(t) != cookie {
		t.Errorf("opening pages wrote %d times", h.store.writes.Load()-before)
	}
	expect(t, b.get(t, "/setup?token="+token), http.StatusOK, "first administrator")
}

func TestUnknownOrDisabledClientEndsTheFlow(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b := h.browser(t)
	id := b.begin(t, "scope=openid")
	if err := h.store.Clients.DeleteClient(t.Context(), clientID); err != nil {
		t.Fatal(err)
	}
	got := b.get(t, "/login?request="+id)
	if got.status != http.StatusBadRequest {
		t.Errorf("page = %d %s, want 400", got.status, got.body)
	}
}

func TestDatabaseOutageReturns503(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b := h.browser(t)
	id, token := b.signIn(t, "ada"), h.link(t, "tok")
	page := b.get(t, "/consent?request="+id)
	h.store.Close()
	for name, got := range map[string]answer{
		"sign-in page": b.get(t, "/login?request="+id),
		"sign-in":      b.guess(t, id, "ada", password),
		"sign-up page": b.get(t, "/signup?request="+id),
		"sign-up":      b.post(t, "/signup", newcomer("request", id)),
		"consent page": b.get(t, "/consent?request="+id),
		"consent":      b.submit(t, page, "decision", "accept"),
		"set-up page":  b.get(t, "/setup?token="+token),
		"set-up":       b.post(t, "/setup", url.Values{"token": {token}, "username": {"root"}, "password": {password}, "repeat": {password}}),
	} {
		if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || got.header.Get("Set-Cookie") != "" {
			t.Errorf("%s = %d, Retry-After %q: %s", name, got.status, got.header.Get("Retry-After"), got.body)
		}
	}
}

func TestBusyHasherReturns503(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	h.addUser(t, "eve", "")
	h.addUser(t, "nopass", "")
	if err := errors.Join(
		h.store.Accounts.SetDisabled(t.Context(), "sub-eve", true, h.now()),
		h.store.Accounts.SetPassword(t.Context(), "sub-nopass", "", h.now()),
	); err != nil {
		t.Fatal(err)
	}
	*h.hasher = *credential.NewHasher(8, 1, 0, time.Millisecond)
	b := h.browser(t)
	id, token := b.begin(t, "scope=openid"), h.link(t, "tok")
	// That all wait for the hasher shows as well that all cost a hash.
	for name, got := range map[string]answer{
		"a person":           b.guess(t, id, "ada", password),
		"nobody":             b.guess(t, id, "nobody", password),
		"no possible name":   b.guess(t, id, "no body", password),
		"a disabled account": b.guess(t, id, "eve", password),
		"without a password": b.guess(t, id, "nopass", password),
		"sign-up":            b.post(t, "/signup", newcomer("request", id)),
		"set-up":             b.post(t, "/setup", url.Values{"token": {token}, "username": {"root"}, "password": {password}, "repeat": {password}}),
	} {
		expect(t, got, http.StatusServiceUnavailable, "temporarily_unavailable")
		if got.header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", name)
		}
	}
}

func TestHomePageLinksToDiscoveryAndKeys(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	got := h.browser(t).get(t, "/")
	expect(t, got, http.StatusOK, h.URL+"/.well-known/openid-configuration")
	expect(t, got, http.StatusOK, h.URL+"/.well-known/jwks.json")
}
