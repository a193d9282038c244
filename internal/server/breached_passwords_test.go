package server_test

import (
	"crypto/sha1"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"

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
