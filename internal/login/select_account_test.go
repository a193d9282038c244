package login

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

const choose = "Choose an account"

func TestSignedInUserMayContinue(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b := h.browser(t)
	b.signIn(t, "ada")
	before, cookie := sessionOf(t, b)
	h.wait(time.Minute)
	id := b.begin(t, "scope=openid&prompt=select_account&redirect_uri=https://notes.example/cb")
	page := b.get(t, "/login?request="+id)
	expect(t, page, http.StatusOK, choose)
	for _, want := range []string{"Acme Notes", "notes.example", "Ada Lovelace", ">ada<", "/logo.png", "/policy", "/terms"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page lacks %q: %s", want, page.body)
		}
	}
	got := b.submit(t, page, "decision", "continue")
	if got.status != http.StatusSeeOther || got.location != h.back(id) || got.header.Get("Set-Cookie") != "" {
		t.Fatalf("going on = %d to %q and sets %q", got.status, got.location, got.header.Get("Set-Cookie"))
	}
	after, kept := sessionOf(t, b)
	if !after.AuthTime.Equal(before.AuthTime) || kept != cookie {
		t.Errorf("going on moved auth_time from %v to %v; the cookie is another: %v", before.AuthTime, after.AuthTime, kept != cookie)
	}
	if r := h.request(t, id); r.SessionID != after.ID || !r.SignedInAt.IsZero() {
		t.Errorf("request notes session %q at %v, want %q and no sign-in", r.SessionID, r.SignedInAt, after.ID)
	}

	// The second time the user must authenticate. If the user returns after that, the client
	// required another user.
	page = b.get(t, "/login?request="+id)
	expect(t, page, http.StatusOK, "Confirm it is you")
	expect(t, page, http.StatusOK, "as=another")
	b.submit(t, page, "username", "ada", "password", password)
	if r := h.request(t, id); !r.SignedInAt.Equal(h.now().Truncate(time.Microsecond)) {
		t.Errorf("request notes a sign-in at %v, want %v", r.SignedInAt, h.now())
	}
	if got := b.get(t, "/login?request="+id); strings.Contains(got.body, "Confirm it is you") || strings.Contains(got.body, choose) {
		t.Errorf("after signing in: %s", got.body)
	}
}

func TestAccountSelectionNeedsASession(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b := h.browser(t)
	id := b.begin(t, "prompt=select_account&login_hint=bob")
	expect(t, b.get(t, "/login?request="+id), http.StatusOK, `value="bob"`)
	b.signIn(t, "ada")
	page := b.get(t, "/login?request="+id)
	expect(t, page, http.StatusOK, choose)
	other := b.get(t, "/login?as=another&request="+id)
	expect(t, other, http.StatusOK, `value="bob"`)
	b.submit(t, other, "username", "bob", "password", password)
	if s, _ := b.session(t); s.Subject != "sub-bob" || h.request(t, id).SessionID != s.ID {
		t.Errorf("session of %s, request notes %q", s.Subject, h.request(t, id).SessionID)
	}
}

// The button continues only the session of the user on the page.
func TestContinueIsIgnoredForAnotherSession(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b := h.browser(t)
	b.signIn(t, "ada")
	id := b.begin(t, "prompt=select_account")
	page := b.get(t, "/login?request="+id)
	expect(t, page, http.StatusOK, choose)
	b.signIn(t, "bob") // in another tab
	other := h.browser(t)
	other.signIn(t, "ada")
	bob, _ := b.session(t)
	for name, got := range map[string]answer{
		"the session has changed": b.submit(t, page, "decision", "continue"),
		"no session is named":     b.post(t, "/login", url.Values{"request": {id}, "decision": {"continue"}}),
	} {
		if r := h.request(t, id); got.location != h.back(id) || r.SessionID != "" {
			t.Errorf("%s: to %q, request notes %q", name, got.location, r.SessionID)
		}
	}
	got := other.post(t, "/login?session="+bob.ID, url.Values{"request": {id}, "decision": {"continue"}})
	if got.status != http.StatusBadRequest || h.request(t, id).SessionID != "" {
		t.Errorf("another browser: %d, request notes %q", got.status, h.request(t, id).SessionID)
	}

	page = b.get(t, "/login?request="+id)
	h.wait(2 * time.Hour)
	expect(t, b.submit(t, page, "decision", "continue"), http.StatusBadRequest, "expired_request")
}
