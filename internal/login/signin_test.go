package login

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/session"
)

func TestSignInRecordsTheSessionAndReturns(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		remember string
		idle     time.Duration
		lasts    time.Duration
	}{
		"for as long as the browser runs": {"", time.Hour, 12 * time.Hour},
		"remembered on this device":       {"on", 7 * 24 * time.Hour, 30 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			h := newPageServer(t)
			b := h.browser(t)
			id := b.begin(t, "scope=openid&login_hint=ada%E2%80%AE&redirect_uri=https://notes.example/cb")
			page := b.get(t, "/login?request="+id)
			expect(t, page, http.StatusOK, `value="ada"`)
			for _, want := range []string{"Acme Notes", "notes.example", "/logo.png", "/policy", "/terms"} {
				if !strings.Contains(page.body, want) {
					t.Errorf("the page lacks %q", want)
				}
			}
			got := b.submit(t, page, "username", " ADA ", "password", password, "remember", tc.remember)
			if got.status != http.StatusSeeOther || got.location != h.back(id) {
				t.Fatalf("answer = %d to %q, want 303 to %q", got.status, got.location, h.back(id))
			}
			cookie := got.header.Get("Set-Cookie")
			for _, want := range []string{"__Host-ostiary_session=", "; Path=/", "; HttpOnly", "; Secure", "; SameSite=Lax"} {
				if !strings.Contains(cookie, want) {
					t.Errorf("Set-Cookie = %q, want %q in it", cookie, want)
				}
			}
			if kept := strings.Contains(cookie, "Expires="); kept != (tc.remember == "on") {
				t.Errorf("Set-Cookie = %q; outlives the browser: %v", cookie, kept)
			}
			s, _ := b.session(t)
			now := h.now().Truncate(time.Microsecond)
			if s.Subject != "sub-ada" || s.ACR != session.LevelOneFactor || strings.Join(s.AMR, " ") != "pwd" || !s.AuthTime.Equal(now) {
				t.Errorf("session = %+v", s)
			}
			if !s.EndsAt.Equal(now.Add(tc.lasts)) || !s.IdleUntil.Equal(now.Add(tc.idle)) {
				t.Errorf("session ends %v and idles until %v, want in %v and %v", s.EndsAt, s.IdleUntil, tc.lasts, tc.idle)
			}
			if r := h.request(t, id); r.SessionID != s.ID || !r.SignedInAt.Equal(now) {
				t.Errorf("request notes session %q at %v, want %q at %v", r.SessionID, r.SignedInAt, s.ID, now)
			}
		})
	}
}

func TestRejectedSignInsLookTheSame(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b := h.browser(t)
	ctx := t.Context()
	id := b.begin(t, "scope=openid")
	try := func(password string) answer {
		return b.post(t, "/login", url.Values{"request": {id}, "username": {"ada"}, "password": {password}})
	}
	want := try("wrong")
	expect(t, want, http.StatusForbidden, "Incorrect username or password")

	same := func(name string, got answer) {
		t.Helper()
		if got.status != want.status || got.body != want.body {
			t.Errorf("%s: %d %s\nwant %d %s", name, got.status, got.body, want.status, want.body)
		}
		for header := range want.header {
			if header != "Date" && got.header.Get(header) != want.header.Get(header) {
				t.Errorf("%s: %s = %q, want %q", name, header, got.header.Get(header), want.header.Get(header))
			}
		}
	}
	same("no password", try(""))
	same("a password beyond measure", try(strings.Repeat("x", 1025)))
	for _, change := range []struct {
		name string
		make func() error
	}{
		{"a disabled account", func() error { return h.store.Accounts.SetDisabled(ctx, "sub-ada", true, h.now()) }},
		{"an account without a password", func() error {
			return errors.Join(h.store.Accounts.SetDisabled(ctx, "sub-ada", false, h.now()), h.store.Accounts.SetPassword(ctx, "sub-ada", "", h.now()))
		}},
		{"a hash nobody understands", func() error { return h.store.Accounts.SetPassword(ctx, "sub-ada", "$2a$10$x", h.now()) }},
		{"no such account", func() error { return h.store.Accounts.DeleteAccount(ctx, "sub-ada", h.now()) }},
	} {
		if err := change.make(); err != nil {
			t.Fatalf("%s: %v", change.name, err)
		}
		before := h.store.lookups.Load()
		same(change.name, try(password))
		if h.store.lookups.Load() != before+1 {
			t.Errorf("%s: refused without looking", change.name)
		}
	}
	if b.cookie(t) != "" {
		t.Error("a refused sign-in set a session cookie")
	}
}

func TestSubmittedUsernameAndPasswordAreNotLogged(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b := h.browser(t)
	id := b.begin(t, "scope=openid")
	b.post(t, "/login", url.Values{"request": {id}, "username": {"hunter2-by-mistake"}, "password": {"s3cret-typed"}})
	b.post(t, "/signup", newcomer("request", id, "password", "ch0sen-typed-in", "repeat", "an0ther-typed-in"))
	b.post(t, "/signup", newcomer("request", id, "username", "hunter3-by-mistake", "password", "ch0sen-typed-in", "repeat", "ch0sen-typed-in"))
	b.signIn(t, "ada")
	log := h.log.String()
	for _, secret := range []string{
		"hunter2-by-mistake", "s3cret-typed", "ch0sen-typed-in", "an0ther-typed-in", "hunter3-by-mistake", "grace@", "Hopper", password, b.cookie(t),
	} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %q: %s", secret, log)
		}
	}
	if got := strings.Count(log, "sign-in refused"); got != 1 {
		t.Errorf("the refusal was logged %d times: %s", got, log)
	}
}

func TestSignInAlwaysChangesTheCookie(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b := h.browser(t)
	planted := session.NewCookie()
	b.Jar.SetCookies(mustParse(t, h.URL), []*http.Cookie{{Name: "__Host-ostiary_session", Value: planted, Path: "/", Secure: true}})

	b.signIn(t, "ada")
	first, firstCookie := sessionOf(t, b)
	if firstCookie == planted {
		t.Fatal("a planted cookie became a session")
	}

	b.signIn(t, "ada")
	again, againCookie := sessionOf(t, b)
	if again.ID != first.ID || againCookie == firstCookie {
		t.Errorf("the same person again: sid %q to %q, cookie changed: %v", first.ID, again.ID, againCookie != firstCookie)
	}

	b.signIn(t, "bob")
	other, otherCookie := sessionOf(t, b)
	if other.ID == first.ID || otherCookie == againCookie || other.Subject != "sub-bob" {
		t.Errorf("another person: sid %q to %q of %s", first.ID, other.ID, other.Subject)
	}
	for _, cookie := range []string{planted, firstCookie, againCookie} {
		_, _, err := h.store.Sessions.SessionAndConsent(t.Context(), session.Hash(cookie), clientID, h.now())
		if !errors.Is(err, session.ErrNotFound) {
			t.Errorf("an earlier cookie still opens a session: %v", err)
		}
	}
}

func TestSessionThatEndsDuringRenewalIsReplaced(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b := h.browser(t)
	b.signIn(t, "ada")
	first, _ := sessionOf(t, b)
	h.store.ends.Store(true)
	id := b.signIn(t, "ada")
	if s, _ := sessionOf(t, b); s.ID == first.ID || s.ID != h.request(t, id).SessionID {
		t.Errorf("session %q after %q, request notes %q", s.ID, first.ID, h.request(t, id).SessionID)
	}
}

func sessionOf(t *testing.T, b *browser) (*session.Session, string) {
	t.Helper()
	s, _ := b.session(t)
	return s, b.cookie(t)
}

func mustParse(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestReauthenticationKeepsTheSession(t *testing.T) {
	t.Parallel()

	const confirm = "Confirm it is you"
	h := newPageServer(t)
	b := h.browser(t)
	signedIn := b.signIn(t, "ada", "remember", "on")

	id := b.begin(t, "scope=openid&prompt=login&login_hint=someone")
	page := b.get(t, "/login?request="+id)
	expect(t, page, http.StatusOK, confirm)
	expect(t, page, http.StatusOK, `value="ada"`)
	h.wait(time.Minute)
	b.submit(t, page, "username", "ada", "password", password)
	if s, _ := b.session(t); !s.Remembered || !s.AuthTime.Equal(h.now().Truncate(time.Microsecond)) {
		t.Errorf("after confirming: remembered %v, auth_time %v", s.Remembered, s.AuthTime)
	}

	for name, path := range map[string]string{
		"somebody else was chosen":      "/login?as=another&request=" + id,
		"they signed in and came back":  "/login?request=" + signedIn,
		"the one asked for is not them": "/login?request=" + id,
	} {
		if got := b.get(t, path); got.status != http.StatusOK || strings.Contains(got.body, confirm) {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
}
