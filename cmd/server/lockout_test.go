package main

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// routed sends requests to one replica, as a trusted proxy does for a client at from.
type routed struct{ replica, from string }

func (p routed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host = r.URL.Host
	r.URL.Host = strings.TrimPrefix(p.replica, "http://")
	r.Header.Set("X-Forwarded-For", p.from)
	return http.DefaultTransport.RoundTrip(r)
}

// browserAt is a browser at the address from, whose requests reach the replica.
func (s *server) browserAt(replica *server, from string) *browser {
	b := s.browser()
	b.client.Transport = routed{replica.url, from}
	return b
}

// movedTo is the same browser with nothing but its device cookie, at another address.
func (b *browser) movedTo(replica *server, from string) *browser {
	b.s.tb.Helper()
	moved := b.s.browserAt(replica, from)
	u, err := url.Parse(b.s.url)
	if err != nil {
		b.s.tb.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == "ostiary_device" {
			moved.client.Jar.SetCookies(u, []*http.Cookie{c})
			return moved
		}
	}
	b.s.tb.Fatal("the browser has no device cookie")
	return nil
}

// password posts a password of ada at the sign-in page and returns the status.
func (b *browser) password(password string) int {
	b.s.tb.Helper()
	form := b.get(b.get("/oauth2/auth?" + asking("prompt", "login").Encode()).location().String())
	return b.post(form.action(), url.Values{
		"request": {form.field("request")}, "username": {"ada"}, "password": {password},
	}).status
}

// Attempts that reach any replica lock out unknown devices and networks alone, and the
// operator ends the lockout with a command.
func TestOutsidersCannotLockAUserOut(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, dsn string) {
		proxied := map[string]string{"trusted_proxies": "127.0.0.0/8"}
		one := start(t, storetest.Open(t, dsn), proxied)
		proxied["issuer"] = one.url
		two := start(t, storetest.Open(t, dsn), proxied)
		two.pass(one.time().Sub(two.time()))

		lockOut := func() {
			t.Helper()
			for i := range 10 {
				replica := []*server{one, two}[i%2]
				if got := one.browserAt(replica, "198.51.100.7").password("wrong"); got != http.StatusForbidden {
					t.Fatalf("attempt %d = %d, want 403", i+1, got)
				}
				one.pass(3 * time.Second)
				two.pass(3 * time.Second)
			}
			for _, replica := range []*server{one, two} {
				if got := one.browserAt(replica, "203.0.113.8").password(testPassword); got != http.StatusTooManyRequests {
					t.Fatalf("after ten wrong passwords an unknown device gets %d, want 429", got)
				}
			}
		}
		passes := func(what string, b *browser, password string) {
			t.Helper()
			if got := b.password(password); got != http.StatusSeeOther {
				t.Errorf("%s: %d, want 303", what, got)
			}
		}
		command := func(args ...string) {
			t.Helper()
			unsetEnvironment(t)
			var out, complaint bytes.Buffer
			args = append([]string{"--set=database_url=" + dsn, "--set=system_secrets=" + testSecret, "--set=argon2_memory_mib=19"}, args...)
			if code := run(t.Context(), args, streams{strings.NewReader("another horse battery"), &out, &complaint}); code != 0 {
				t.Fatalf("%v = exit code %d: %s", args, code, complaint.String())
			}
		}

		ada := one.browserAt(one, "192.0.2.10")
		passes("the first sign-in", ada, testPassword)
		lockOut()
		passes("a known device elsewhere, at the other replica", ada.movedTo(two, "203.0.113.9"), testPassword)
		passes("a known network, at the other replica", one.browserAt(two, "192.0.2.99"), testPassword)

		// 203.0.113.0/24 became known when the known device signed in there.
		unknown := func() *browser { return one.browserAt(two, "198.18.0.1") }
		if got := unknown().password(testPassword); got != http.StatusTooManyRequests {
			t.Fatalf("an unknown network before the unlock = %d, want 429", got)
		}
		command("users", "unlock", "ada")
		passes("an unknown device after users unlock", unknown(), testPassword)

		for name, unlock := range map[string]func(){
			"users set-password": func() { command("users", "set-password", "ada", "--password-file=-") },
			"users enable": func() {
				command("users", "disable", "ada")
				command("users", "enable", "ada")
			},
		} {
			command("users", "set-password", "ada", "--password-file=-") // every device and network is unknown now
			lockOutAgain := one.browserAt(one, "198.51.100.7")
			for range 10 {
				lockOutAgain.password("wrong")
				one.pass(3 * time.Second)
				two.pass(3 * time.Second)
			}
			if got := ada.movedTo(two, "192.0.2.10").password("another horse battery"); got != http.StatusTooManyRequests {
				t.Errorf("%s: a device from before the password changed gets %d, want 429", name, got)
			}
			unlock()
			passes("an unknown device after "+name, one.browserAt(two, "198.18.1.1"), "another horse battery")
		}
	})
}

// A wrong password costs the same statements whether or not there is such an account,
// and no more than docs/architecture.md says beside session, request and account.
func TestAPasswordAttemptCostsTheSameForNobody(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := start(t, db, map[string]string{"trusted_proxies": "127.0.0.0/8"})
		known := s.browserAt(s, "192.0.2.10")
		if got := known.password(testPassword); got != http.StatusSeeOther {
			t.Fatalf("the first sign-in = %d", got)
		}
		cost := func(b *browser, username string) int64 {
			t.Helper()
			form := b.get(b.get("/oauth2/auth?" + asking("prompt", "login").Encode()).location().String())
			before := db.Statements()
			p := b.post(form.action(), url.Values{"request": {form.field("request")}, "username": {username}, "password": {"wrong"}})
			if p.status != http.StatusForbidden {
				t.Fatalf("a wrong password of %s = %d", username, p.status)
			}
			return db.Statements() - before
		}
		const others = 1 + 1       // request and account
		const counting = 3 + 2 + 2 // the account's windows, and two networks before and after
		for _, username := range []string{"ada", "bob", "nobody", "no body"} {
			if got := cost(s.browserAt(s, "198.51.100.7"), username); got != others+1+counting {
				t.Errorf("an attempt at %q takes %d statements, want %d", username, got, others+1+counting)
			}
		}
		if got := cost(known.movedTo(s, "203.0.113.8"), "ada"); got != others+1+counting-2 {
			t.Errorf("an attempt on a known device takes %d statements, want %d", got, others+1+counting-2)
		}
	})
}
