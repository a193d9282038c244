package login

import (
	"net/http"
	"testing"
	"time"
)

// rest makes 100 wrong guesses from an unknown network, over more than a day.
func (h *pageServer) rest(t *testing.T, username string) {
	t.Helper()
	for range 10 {
		b := h.browserAt(t, elsewhere)
		b.guesses(t, b.begin(t, "scope=openid"), username, 10)
		h.wait(4 * time.Hour)
	}
}

// tried is the answer to the right password in a new authorization request.
func (b *browser) tried(t *testing.T, username string) answer {
	t.Helper()
	return b.guess(t, b.begin(t, "scope=openid"), username, password)
}

// After 100 failures in a row from unknown devices and networks, the password is accepted only
// from known ones. Unknown names look the same.
func TestPasswordRestsForUnknownDevicesAndNetworks(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	ada := h.browserAt(t, home)
	ada.signIn(t, "ada")
	h.rest(t, "ada")
	h.rest(t, "nobody")
	outside := h.browserAt(t, abroad)
	for _, username := range []string{"ada", "nobody"} {
		expect(t, outside.tried(t, username), http.StatusForbidden, "only on devices and networks where you have signed in before")
	}
	if !ada.moved(t, abroad).signsIn(t, "ada") {
		t.Error("the password rests on a known device")
	}
	if !h.browserAt(t, atHome).signsIn(t, "ada") {
		t.Error("the password rests in a known network")
	}
	if h.browserAt(t, elsewhere).signsIn(t, "ada") {
		t.Error("a success on a known device ends the rest elsewhere")
	}
}

// A right password ends the row of failures, and so does an operator.
func TestFailuresInARowEnd(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	for range 9 {
		b := h.browserAt(t, elsewhere)
		b.guesses(t, b.begin(t, "scope=openid"), "ada", 10)
		h.wait(4 * time.Hour)
	}
	if !h.browserAt(t, abroad).signsIn(t, "ada") {
		t.Fatal("the password rests after 90 failures")
	}
	h.wait(100 * 24 * time.Hour) // the device and network of that sign-in are unknown again
	b := h.browserAt(t, elsewhere)
	b.guesses(t, b.begin(t, "scope=openid"), "ada", 10)
	h.wait(4 * time.Hour)
	if !h.browserAt(t, elsewhere).signsIn(t, "ada") {
		t.Error("failures from before a sign-in count")
	}

	h.wait(100 * 24 * time.Hour)
	h.rest(t, "ada")
	expect(t, h.browserAt(t, "203.0.113.77").tried(t, "ada"), http.StatusForbidden, "only on devices and networks")
	a, err := h.store.Accounts.AccountByUsername(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.store.Accounts.EndLockdown(t.Context(), a.Subject, h.now()); err != nil {
		t.Fatal(err)
	}
	if !h.browserAt(t, "203.0.113.77").signsIn(t, "ada") {
		t.Error("the password rests after an operator unlocked the account")
	}
}
