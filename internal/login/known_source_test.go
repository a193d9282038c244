package login

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/session"
)

const (
	home      = "192.0.2.10"
	atHome    = "192.0.2.99" // of the same /24
	elsewhere = "198.51.100.7"
	abroad    = "203.0.113.8"
)

// browserAt is a browser that comes from address.
func (h *pageServer) browserAt(t *testing.T, address string) *browser {
	t.Helper()
	b := h.browser(t)
	b.from = address
	return b
}

// moved is a browser with the device cookie of b alone, at another address.
func (b *browser) moved(t *testing.T, address string) *browser {
	t.Helper()
	to, at := b.server.browserAt(t, address), b.url(t)
	for _, c := range b.Jar.Cookies(at) {
		if strings.HasSuffix(c.Name, "ostiary_device") {
			to.Jar.SetCookies(at, []*http.Cookie{{Name: c.Name, Value: c.Value, Path: "/", Secure: true}})
		}
	}
	if len(to.Jar.Cookies(at)) != 1 {
		t.Fatal("the browser has no device cookie")
	}
	return to
}

func (b *browser) url(t *testing.T) *url.URL {
	t.Helper()
	u, err := url.Parse(b.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// lockOut makes ten wrong guesses from an address, after which the right password is
// rejected there.
func (h *pageServer) lockOut(t *testing.T, username, address string) {
	t.Helper()
	b := h.browserAt(t, address)
	id := b.begin(t, "scope=openid")
	b.guesses(t, id, username, 10)
	throttledFor(t, b.guess(t, id, username, password), time.Second, 10*time.Minute)
}

func (b *browser) signsIn(t *testing.T, username string) bool {
	t.Helper()
	return b.guess(t, b.begin(t, "scope=openid"), username, password).status == http.StatusSeeOther
}

func TestFailuresElsewhereDoNotLockOutAKnownDeviceOrNetwork(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	ada := h.browserAt(t, home)
	ada.signIn(t, "ada")
	h.lockOut(t, "ada", elsewhere)

	travelling := ada.moved(t, abroad)
	if h.browserAt(t, abroad).signsIn(t, "ada") {
		t.Error("an unknown browser in an unknown network is not locked out")
	}
	if !travelling.signsIn(t, "ada") {
		t.Error("a known device is locked out for what others did")
	}
	if !h.browserAt(t, atHome).signsIn(t, "ada") {
		t.Error("a known network is locked out for what others did")
	}
	if !travelling.moved(t, elsewhere).signsIn(t, "bob") {
		t.Error("bob, whom nobody locked out, cannot sign in on ada's device")
	}
}

// Attempts within a known network lock out neither known devices nor other networks.
func TestKnownNetworkHasItsOwnCounter(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	ada := h.browserAt(t, home)
	ada.signIn(t, "ada")
	h.lockOut(t, "ada", atHome)
	if h.browserAt(t, "192.0.2.98").signsIn(t, "ada") {
		t.Error("an unknown browser in the wider network is not locked out")
	}
	if !h.browserAt(t, home).signsIn(t, "ada") {
		t.Error("a known network is locked out for what others in a wider one did")
	}
	if !ada.moved(t, atHome).signsIn(t, "ada") {
		t.Error("a known device is locked out for what others in its network did")
	}
	if !h.browserAt(t, elsewhere).signsIn(t, "ada") {
		t.Error("attempts in one known network count elsewhere")
	}
}

// The limit of a network applies to its unknown browsers, not to known devices.
func TestKnownDeviceIgnoresNetworkLimit(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	ada, outsider := h.browserAt(t, home), h.browserAt(t, atHome)
	ada.signIn(t, "ada")
	id := outsider.begin(t, "scope=openid")
	for i := range 31 {
		outsider.guess(t, id, "person"+strconv.Itoa(i), "wrong")
	}
	throttledFor(t, outsider.guess(t, id, "bob", password), time.Second, time.Minute)
	if !ada.moved(t, home).signsIn(t, "ada") {
		t.Error("a known device is rejected for what others in its network did")
	}
}

func TestKnownDeviceHasALimit(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	ada := h.browserAt(t, home)
	ada.signIn(t, "ada")
	thief := ada.moved(t, elsewhere)
	id := thief.begin(t, "scope=openid")
	thief.guesses(t, id, "ada", 10)
	throttledFor(t, thief.guess(t, id, "ada", password), time.Second, 10*time.Minute)
	if !h.browserAt(t, abroad).signsIn(t, "ada") {
		t.Error("attempts on one known device count elsewhere")
	}
}

// A change that ends the sessions of an account makes its devices and networks unknown.
func TestDevicesAreUnknownAfterTheAccountChanged(t *testing.T) {
	t.Parallel()

	for name, change := range map[string]func(t *testing.T, h *pageServer){
		"a new password": func(t *testing.T, h *pageServer) {
			t.Helper()
			hash, err := h.hasher.Hash(t.Context(), password)
			if err == nil {
				err = h.store.Accounts.SetPassword(t.Context(), "sub-ada", hash, h.now())
			}
			if err != nil {
				t.Fatal(err)
			}
		},
		"disabled and enabled": func(t *testing.T, h *pageServer) {
			t.Helper()
			for _, disabled := range []bool{true, false} {
				if err := h.store.Accounts.SetDisabled(t.Context(), "sub-ada", disabled, h.now()); err != nil {
					t.Fatal(err)
				}
			}
		},
		"another account of the name": func(t *testing.T, h *pageServer) {
			t.Helper()
			if err := h.store.Accounts.DeleteAccount(t.Context(), "sub-ada", h.now()); err != nil {
				t.Fatal(err)
			}
			h.addUser(t, "ada", "Ada the second")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			h := newPageServer(t)
			ada := h.browserAt(t, home)
			ada.signIn(t, "ada")
			h.wait(time.Second)
			change(t, h)
			h.wait(time.Second)
			h.lockOut(t, "ada", elsewhere)
			if ada.moved(t, abroad).signsIn(t, "ada") {
				t.Error("the device is still known")
			}
			if h.browserAt(t, home).signsIn(t, "ada") {
				t.Error("the network is still known")
			}
		})
	}
}

// A sign-in with a password that changed after the check does not make its device known.
func TestLateRecordOfADeviceIsVoid(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	before, err := h.store.Accounts.Account(t.Context(), "sub-ada")
	if err != nil {
		t.Fatal(err)
	}
	h.wait(time.Second)
	if err := h.store.Accounts.SetPassword(t.Context(), "sub-ada", "another", h.now()); err != nil {
		t.Fatal(err)
	}
	h.wait(time.Second)
	source := account.NewSignInSource("ada", "device", "network")
	if err := h.store.SignInSources.NoteSource(t.Context(), before, source, session.Origin{}, h.now()); err != nil {
		t.Fatal(err)
	}
	known, err := h.store.SignInSources.KnownSource(t.Context(), source, h.now())
	if err != nil || !known.Device.IsZero() || known.Network() >= 0 {
		t.Errorf("KnownSource = %+v, %v; want nothing known", known, err)
	}
}

// The responses to a wrong password and to a lockout set no device cookie.
func TestOnlyASignInSetsTheDeviceCookie(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	ada := h.browserAt(t, home)
	ada.signIn(t, "ada")
	known := ada.moved(t, home)
	for _, username := range []string{"ada", "bob", "nobody"} {
		for _, b := range []*browser{known, h.browserAt(t, elsewhere)} {
			got := b.guess(t, b.begin(t, "scope=openid"), username, "wrong")
			expect(t, got, http.StatusForbidden, "Incorrect username or password")
			if set := got.header.Values("Set-Cookie"); len(set) > 0 {
				t.Errorf("a wrong password of %s sets %q", username, set)
			}
		}
	}
	before := known.value(t)
	known.signIn(t, "bob")
	if known.value(t) != before {
		t.Error("a browser has another device cookie for another account")
	}
	for _, c := range h.deviceCookies(t) {
		if c.Name != "__Host-ostiary_device" || !c.HttpOnly || !c.Secure || c.Path != "/" || c.Domain != "" ||
			c.SameSite != http.SameSiteLaxMode || c.MaxAge != 400*24*60*60 || len(c.Value) != 43 {
			t.Errorf("device cookie = %+v", c)
		}
	}
}

// value is the browser's device cookie.
func (b *browser) value(t *testing.T) string {
	t.Helper()
	for _, c := range b.Jar.Cookies(b.url(t)) {
		if c.Name == "__Host-ostiary_device" {
			return c.Value
		}
	}
	t.Fatal("the browser has no device cookie")
	return ""
}

// deviceCookies returns the device cookies that a sign-in sets.
func (h *pageServer) deviceCookies(t *testing.T) (cookies []*http.Cookie) {
	t.Helper()
	b := h.browserAt(t, home)
	got := b.guess(t, b.begin(t, "scope=openid"), "ada", password)
	for _, c := range (&http.Response{Header: got.header}).Cookies() {
		if strings.HasSuffix(c.Name, "ostiary_device") {
			cookies = append(cookies, c)
		}
	}
	if len(cookies) != 1 {
		t.Fatalf("a sign-in sets %d device cookies: %q", len(cookies), got.header.Values("Set-Cookie"))
	}
	return cookies
}

// A device cookie that the server did not create counts as missing.
func TestInvalidDeviceCookiesAreReplaced(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	for _, value := range []string{"x", strings.Repeat("A", 44), strings.Repeat("*", 43), strings.Repeat("A", 42) + "B"} {
		b := h.browserAt(t, home)
		b.Jar.SetCookies(b.url(t), []*http.Cookie{{Name: "__Host-ostiary_device", Value: value, Path: "/", Secure: true}})
		b.signIn(t, "ada")
		if b.value(t) == value {
			t.Errorf("the browser keeps the device cookie %q", value)
		}
	}
}
