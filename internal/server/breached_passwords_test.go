package server_test

import (
	"context"
	"crypto/sha1"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/activity"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Users cannot choose a password that a list of breached passwords has. Users
// can sign up if the service does not answer.
func TestBreachedPasswordsCannotBeChosen(t *testing.T) {
	t.Parallel()
	const password = "eight unrelated w0rds"
	digest := fmt.Sprintf("%X", sha1.Sum([]byte(password)))
	file := filepath.Join(t.TempDir(), "breaches")
	if err := os.WriteFile(file, []byte(digest+":7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/range/"+digest[:5] {
			fmt.Fprintln(w, digest[5:]+":7")
		}
	}))
	t.Cleanup(service.Close)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()

	for name, tc := range map[string]struct {
		setting, value string
		rejected       bool
	}{
		"file":               {"breached_passwords_file", file, true},
		"service":            {"breached_passwords_url", service.URL + "/range", true},
		"no answer":          {"breached_passwords_url", gone.URL, false},
		"off, as by default": {"breached_passwords_url", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.Store) {
				s := servertest.Start(t, db, map[string]string{"sign_up": "on", tc.setting: tc.value})
				s.Populate()
				b := s.NewBrowser()
				page := b.Get(b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "create").Encode()).Header.Get("Location"))
				got := b.Post(page.FormAction(), url.Values{
					"request": {page.HiddenField("request")}, "username": {"grace"}, "password": {password}, "repeat": {password},
				})
				if tc.rejected {
					if got.Status != http.StatusBadRequest {
						t.Errorf("the sign-up has status %d, want 400", got.Status)
					}
					servertest.Contains(t, got.Body, "data breach")
					return
				}
				if got.Status != http.StatusSeeOther {
					t.Errorf("the sign-up has status %d, want a redirect: %s", got.Status, got.Body)
				}
			})
		})
	}
}

// A password that is on the list is found after a sign-in, once, and its user has to change it. A
// list that does not answer changes nothing, and is asked again at the next sign-in.
func TestBreachedPasswordsAreFoundAfterSignIn(t *testing.T) {
	t.Parallel()
	digest := fmt.Sprintf("%X", sha1.Sum([]byte(servertest.Password)))
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		var lost atomic.Bool
		lost.Store(true)
		asked := make(chan string, 100)
		service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked <- r.URL.Path
			if lost.Load() {
				http.Error(w, "", http.StatusInternalServerError)
				return
			}
			if r.URL.Path == "/range/"+digest[:5] {
				fmt.Fprintln(w, digest[5:]+":7")
			}
		}))
		t.Cleanup(service.Close)
		s := servertest.Start(t, db, map[string]string{"breached_passwords_url": service.URL + "/range", "rate_limits": "off"})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			s.App.BreachChecks.Run(ctx)
			close(ended)
		}()
		t.Cleanup(func() { stop(); <-ended })
		signIn := func() servertest.Response {
			b := s.NewBrowser()
			form := b.Get(b.Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode()).Header.Get("Location"))
			p := b.Post(form.FormAction(), url.Values{"request": {form.HiddenField("request")}, "username": {"ada"}, "password": {servertest.Password}})
			if p.Status != http.StatusSeeOther {
				t.Fatalf("sign-in: status %d", p.Status)
			}
			p = b.Get(p.Header.Get("Location"))
			if p.Location().Path != "/login/password" {
				return p
			}
			return b.Get(p.Header.Get("Location"))
		}
		read := func() *account.Account {
			a, err := db.Accounts.AccountByUsername(t.Context(), "ada")
			servertest.Must(t, err)
			return a
		}
		signIn()
		<-asked
		signIn()
		<-asked // a check that failed is repeated
		if a := read(); a.State != account.Active || a.Breach != account.BreachUnknown {
			t.Errorf("the list does not answer: state %s, check %d", a.State, a.Breach)
		}
		lost.Store(false)
		signIn()
		<-asked
		for read().Breach != account.Breached {
			time.Sleep(time.Millisecond) // until the check is recorded
		}
		if a := read(); a.State != account.MustChangePassword {
			t.Errorf("state %s, want must_change_password", a.State)
		}
		servertest.Contains(t, signIn().Body, "data breach", `id="new-password"`)
		signIn()
		if len(asked) > 0 {
			t.Error("a password is checked twice")
		}
		list, err := db.Activity.ListActivity(t.Context(), read().Subject, "", 100)
		servertest.Must(t, err)
		if !slices.ContainsFunc(list, func(e *activity.Event) bool { return e.Kind == activity.PasswordBreached }) {
			t.Error("the activity does not have the breach")
		}
		// Another password has not been checked.
		servertest.Must(t, db.Accounts.SetPassword(t.Context(), read().Subject, "$2b$04$abcdefghijklmnopqrstuu", s.Time()))
		if a := read(); a.Breach != account.BreachUnknown {
			t.Errorf("after a new password: check %d", a.Breach)
		}
	})
}
