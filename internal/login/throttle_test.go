package login

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// guess posts a password at the sign-in page for a request of the browser's own.
func (b *browser) guess(t *testing.T, id, username, password string) answer {
	t.Helper()
	return b.post(t, "/login", url.Values{"request": {id}, "username": {username}, "password": {password}})
}

// guesses makes n wrong guesses slowly enough for the address, and fails unless
// each was looked at.
func (b *browser) guesses(t *testing.T, id, username string, n int) {
	t.Helper()
	for i := range n {
		b.server.wait(3 * time.Second)
		if got := b.guess(t, id, username, "wrong"); got.status != http.StatusForbidden {
			t.Fatalf("guess %d at %s = %d, want 403", i+1, username, got.status)
		}
	}
}

func throttledFor(t *testing.T, got answer, least, most time.Duration) {
	t.Helper()
	expect(t, got, http.StatusTooManyRequests, "Too many attempts")
	seconds, err := strconv.Atoi(got.header.Get("Retry-After"))
	if err != nil || seconds < int(least.Seconds()) || seconds > int(most.Seconds()) {
		t.Errorf("Retry-After = %q, want %v to %v", got.header.Get("Retry-After"), least, most)
	}
}

func TestAttemptsAtAnAccountAreLimited(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct{ username, spelled string }{
		"of somebody":              {"ada", " \uff21DA "},
		"of nobody":                {"nobody", "NoBody"},
		"that cannot be anybody's": {"no body", "no body"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			h := newPageServer(t)
			b := h.browser(t)
			id := b.begin(t, "scope=openid")
			b.guesses(t, id, tc.username, 10)
			throttledFor(t, b.guess(t, id, tc.username, password), 9*time.Minute, 10*time.Minute)
			throttledFor(t, b.guess(t, id, tc.spelled, password), 9*time.Minute, 10*time.Minute)
			if b.cookie(t) != "" {
				t.Error("the right password opened a throttled account")
			}
			expect(t, b.guess(t, id, "bob", "wrong"), http.StatusForbidden, "Incorrect username or password")
		})
	}
}

func TestLockoutGrowsAndEnds(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b := h.browser(t)
	id := b.begin(t, "scope=openid")
	b.guesses(t, id, "ada", 10)
	throttledFor(t, b.guess(t, id, "ada", password), time.Minute, 10*time.Minute)
	h.wait(10 * time.Minute)
	b.guesses(t, id, "ada", 10)
	h.wait(10 * time.Minute)
	throttledFor(t, b.guess(t, id, "ada", password), 30*time.Minute, time.Hour)
	for range 50 { // rejected attempts do not extend the lockout
		h.wait(2 * time.Second)
		throttledFor(t, b.guess(t, id, "ada", "wrong"), 20*time.Minute, time.Hour)
	}
	h.wait(time.Hour)

	late := b.begin(t, "scope=openid")
	b.guesses(t, late, "ada", 10)
	h.wait(10 * time.Minute)
	throttledFor(t, b.guess(t, late, "ada", password), time.Hour, 3*time.Hour)
	h.wait(2 * time.Hour)
	b.signIn(t, "ada")
}

func TestRightPasswordResetsFailures(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b := h.browser(t)
	id := b.begin(t, "scope=openid")
	b.guesses(t, id, "ada", 9)
	h.browser(t).signIn(t, "ada")
	b.guesses(t, id, "ada", 10)
}

func TestFailuresElsewhereDoNotLockOutASignedInUser(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	ada, outsider := h.browser(t), h.browser(t)
	ada.signIn(t, "ada")
	id := outsider.begin(t, "scope=openid")
	outsider.guesses(t, id, "ada", 10)
	throttledFor(t, outsider.guess(t, id, "ada", "wrong"), time.Second, 10*time.Minute)

	again := ada.begin(t, "prompt=login")
	ada.guesses(t, again, "ada", 10)
	throttledFor(t, ada.guess(t, again, "ada", password), time.Second, 10*time.Minute)
	h.wait(10 * time.Minute)
	if got := ada.guess(t, again, "ada", password); got.status != http.StatusSeeOther {
		t.Errorf("confirming = %d, want 303", got.status)
	}
}

func TestFailuresFromAnAddressAreLimited(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b := h.browser(t)
	id := b.begin(t, "scope=openid")
	for i := range 30 {
		if got := b.guess(t, id, "person"+strconv.Itoa(i), "wrong"); got.status != http.StatusForbidden {
			t.Fatalf("guess %d = %d, want 403", i+1, got.status)
		}
	}
	throttledFor(t, b.guess(t, id, "ada", password), time.Second, time.Minute)
	for range 12 { // they do not use up what ada has
		b.guess(t, id, "ada", "wrong")
	}
	h.wait(time.Minute)
	if got := b.guess(t, id, "ada", password); got.status != http.StatusSeeOther {
		t.Errorf("a minute later = %d, want 303", got.status)
	}
}

// A guesser who changes the address within a site is bounded by the wider networks.
func TestFailuresAreLimitedInNestedNetworks(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		from  func(i int) string
		most  int
		other string
	}{
		"a /24": {func(i int) string { return fmt.Sprintf("192.0.2.%d", i) }, 120, "192.0.3.1"},
		"a /56": {func(i int) string { return fmt.Sprintf("2001:db8:0:%x::1", i) }, 120, "2001:db8:0:100::1"},
		"a /48": {func(i int) string { return fmt.Sprintf("2001:db8:0:%x::1", i%200<<8) }, 480, "2001:db8:1::1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			h := newPageServer(t)
			b := h.browser(t)
			id := b.begin(t, "scope=openid")
			for i := range tc.most {
				b.from = tc.from(i)
				if got := b.guess(t, id, "person"+strconv.Itoa(i), "wrong"); got.status != http.StatusForbidden {
					t.Fatalf("guess %d from %s = %d, want 403", i+1, b.from, got.status)
				}
			}
			b.from = tc.from(tc.most)
			throttledFor(t, b.guess(t, id, "ada", password), time.Second, time.Minute)
			b.from = tc.other
			if got := b.guess(t, id, "ada", password); got.status != http.StatusSeeOther {
				t.Errorf("from %s = %d, want 303", tc.other, got.status)
			}
		})
	}
}

func TestManyUsersBehindOneAddressSignIn(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	for range 40 {
		h.browser(t).signIn(t, "ada")
	}
	b := h.browser(t)
	id := b.begin(t, "scope=openid")
	for i := range 30 {
		expect(t, b.guess(t, id, "person"+strconv.Itoa(i), "wrong"), http.StatusForbidden, "Incorrect username or password")
	}
	throttledFor(t, b.guess(t, id, "ada", password), time.Second, time.Minute)
}

func TestAttemptsAreCountedBeforeTheCheck(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b := h.browser(t)
	id := b.begin(t, "scope=openid")
	var wg sync.WaitGroup
	var wrong, refused atomic.Int64
	for range 32 {
		wg.Go(func() {
			switch b.guess(t, id, "ada", "wrong").status {
			case http.StatusForbidden:
				wrong.Add(1)
			case http.StatusTooManyRequests:
				refused.Add(1)
			}
		})
	}
	wg.Wait()
	if wrong.Load() != 10 || refused.Load() != 22 || h.store.lookups.Load() != 10 {
		t.Errorf("of 32 guesses at once %d were wrong, %d refused, %d looked at; want 10, 22, 10",
			wrong.Load(), refused.Load(), h.store.lookups.Load())
	}
}

// An operator must see whether unlocking the account helps.
func TestLogNamesTheLimit(t *testing.T) {
	t.Parallel()

	const ofAccount, ofNetwork = "at this account from unknown devices", "too many failed sign-ins from this network"
	for name, tc := range map[string]struct {
		guesses   func(i int) string
		want, not string
	}{
		"one account":   {func(int) string { return "ada" }, ofAccount, ofNetwork},
		"many accounts": {func(i int) string { return "person" + strconv.Itoa(i) }, ofNetwork, ofAccount},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newPageServer(t)
			b := h.browser(t)
			id := b.begin(t, "scope=openid")
			for i := range 30 {
				if b.guess(t, id, tc.guesses(i), "wrong").status == http.StatusTooManyRequests {
					break
				}
			}
			throttledFor(t, b.guess(t, id, "ada", password), time.Second, 10*time.Minute)
			log := h.log.String()
			if strings.Count(log, tc.want) != strings.Count(log, "rule=sign_in_throttled") || strings.Contains(log, tc.not) {
				t.Errorf("the log is to say %q and not %q:\n%s", tc.want, tc.not, log)
			}
		})
	}
}
