package secondfactor_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/secondfactor"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// A browser has one cookie for all accounts that trust it, and each account its own trust.
func TestTrustedDeviceIsRecognizedByItsCookie(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		const lifetime = 30 * 24 * time.Hour
		devices := &secondfactor.TrustedDevices{Store: s.TrustedDevices, Cookies: session.Cookies{Secure: true}, Lifetime: lifetime}
		browser := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		trust := func(subject string) string {
			t.Helper()
			w := httptest.NewRecorder()
			if err := devices.Trust(w, browser, fixture.Account(subject), fixture.Noon); err != nil {
				t.Fatal(err)
			}
			cookies := w.Result().Cookies()
			if len(cookies) != 1 || cookies[0].Name != "__Host-ostiary_trusted_device" || cookies[0].MaxAge != int(lifetime.Seconds()) ||
				!cookies[0].HttpOnly || !cookies[0].Secure {
				t.Fatalf("Trust sets the cookies %v", cookies)
			}
			browser.Header.Set("Cookie", cookies[0].Name+"="+cookies[0].Value)
			return cookies[0].Value
		}
		want := func(what, subject string, after time.Duration, want bool) {
			t.Helper()
			trusts, err := devices.Trusts(browser, subject, fixture.Noon.Add(after))
			if err != nil {
				t.Fatal(err)
			}
			if trusts != want {
				t.Errorf("%s: %s trusts the browser = %t, want %t", what, subject, trusts, want)
			}
		}
		want("no cookie", "alice", 0, false)
		first := trust("alice")
		want("trusted by alice", "alice", lifetime-time.Second, true)
		want("trusted by alice", "bob", 0, false)
		want("expired", "alice", lifetime, false)
		if second := trust("bob"); second != first {
			t.Error("a second account changes the cookie of the browser")
		}
		want("trusted by both", "alice", 0, true)
		want("trusted by both", "bob", 0, true)
		if err := devices.Forget(t.Context(), "alice"); err != nil {
			t.Fatal(err)
		}
		want("forgotten by alice", "alice", 0, false)
		want("forgotten by alice", "bob", 0, true)
		browser.Header.Set("Cookie", "__Host-ostiary_trusted_device="+first[1:])
		want("a malformed cookie", "bob", 0, false)
	})
}
