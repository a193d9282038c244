package login_test

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Attempts that reach any replica lock out unknown devices and networks alone, and the
// operator ends the lockout with a command.
func TestOutsidersCannotLockUserOut(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, dsn string) {
		proxied := map[string]string{"trusted_proxies": "127.0.0.0/8"}
		one := servertest.Start(t, storetest.Open(t, dsn), proxied)
		proxied["issuer"] = one.URL
		two := servertest.Start(t, storetest.Open(t, dsn), proxied)
		two.Advance(one.Time().Sub(two.Time()))

		lockOut := func() {
			t.Helper()
			for i := range 10 {
				replica := []*servertest.Server{one, two}[i%2]
				if got := one.NewBrowserAt(replica, "198.51.100.7").SignInWithPassword("wrong"); got != http.StatusForbidden {
					t.Fatalf("attempt %d = %d, want 403", i+1, got)
				}
				one.Advance(3 * time.Second)
				two.Advance(3 * time.Second)
			}
			for _, replica := range []*servertest.Server{one, two} {
				if got := one.NewBrowserAt(replica, "203.0.113.8").SignInWithPassword(servertest.Password); got != http.StatusTooManyRequests {
					t.Fatalf("after ten wrong passwords an unknown device gets %d, want 429", got)
				}
			}
		}
		passes := func(what string, b *servertest.Browser, password string) {
			t.Helper()
			if got := b.SignInWithPassword(password); got != http.StatusSeeOther {
				t.Errorf("%s: %d, want 303", what, got)
			}
		}
		command := func(args ...string) {
			t.Helper()
			clitest.UnsetEnvironment(t)
			var out, complaint bytes.Buffer
			args = append([]string{"--set=database_url=" + dsn, "--set=system_secrets=" + servertest.SystemSecret, "--set=argon2_memory_mib=19"}, args...)
			if code := cli.Run(t.Context(), servertest.Version, args, cli.Streams{In: strings.NewReader("another horse battery"), Out: &out, Err: &complaint}); code != 0 {
				t.Fatalf("%v = exit code %d: %s", args, code, complaint.String())
			}
		}

		ada := one.NewBrowserAt(one, "192.0.2.10")
		passes("the first sign-in", ada, servertest.Password)
		lockOut()
		passes("a known device elsewhere, at the other replica", ada.MovedTo(two, "203.0.113.9"), servertest.Password)
		passes("a known network, at the other replica", one.NewBrowserAt(two, "192.0.2.99"), servertest.Password)

		// 203.0.113.0/24 became known when the known device signed in there.
		unknown := func() *servertest.Browser { return one.NewBrowserAt(two, "198.18.0.1") }
		if got := unknown().SignInWithPassword(servertest.Password); got != http.StatusTooManyRequests {
			t.Fatalf("an unknown network before the unlock = %d, want 429", got)
		}
		command("users", "unlock", "ada")
		passes("an unknown device after users unlock", unknown(), servertest.Password)

		for name, unlock := range map[string]func(){
			"users set-password": func() { command("users", "set-password", "ada", "--password-file=-") },
			"users enable": func() {
				command("users", "disable", "ada")
				command("users", "enable", "ada")
			},
		} {
			command("users", "set-password", "ada", "--password-file=-") // every device and network is unknown now
			lockOutAgain := one.NewBrowserAt(one, "198.51.100.7")
			for range 10 {
				lockOutAgain.SignInWithPassword("wrong")
				one.Advance(3 * time.Second)
				two.Advance(3 * time.Second)
			}
			if got := ada.MovedTo(two, "192.0.2.10").SignInWithPassword("another horse battery"); got != http.StatusTooManyRequests {
				t.Errorf("%s: a device from before the password changed gets %d, want 429", name, got)
			}
			unlock()
			passes("an unknown device after "+name, one.NewBrowserAt(two, "198.18.1.1"), "another horse battery")
		}
	})
}

// A wrong password costs the same statements whether or not there is such an account,
// and at most those in docs/architecture.md in addition to session, request and account.
func TestPasswordAttemptStatementsForUnknownUser(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := servertest.Start(t, db, map[string]string{"trusted_proxies": "127.0.0.0/8"})
		known := s.NewBrowserAt(s, "192.0.2.10")
		if got := known.SignInWithPassword(servertest.Password); got != http.StatusSeeOther {
			t.Fatalf("the first sign-in = %d", got)
		}
		cost := func(b *servertest.Browser, username string) int64 {
			t.Helper()
			form := b.Get(b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "login").Encode()).Location().String())
			before := db.Statements()
			p := b.Post(form.FormAction(), url.Values{"request": {form.HiddenField("request")}, "username": {username}, "password": {"wrong"}})
			if p.Status != http.StatusForbidden {
				t.Fatalf("a wrong password of %s = %d", username, p.Status)
			}
			return db.Statements() - before
		}
		const others = 1 + 1       // request and account
		const counting = 3 + 2 + 2 // the account's windows, and two networks before and after
		const inRow = 1 + 1        // the failures in a row from unknown devices, before and after
		for _, username := range []string{"ada", "bob", "nobody", "no body"} {
			if got := cost(s.NewBrowserAt(s, "198.51.100.7"), username); got != others+1+counting+inRow {
				t.Errorf("an attempt at %q takes %d statements, want %d", username, got, others+1+counting+inRow)
			}
		}
		if got := cost(known.MovedTo(s, "203.0.113.8"), "ada"); got != others+1+counting-2 {
			t.Errorf("an attempt on a known device takes %d statements, want %d", got, others+1+counting-2)
		}
	})
}
