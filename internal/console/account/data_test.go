package account_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
)

// The file has everything about the account, and no secret.
func TestDataOfTheAccount(t *testing.T) {
	each(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		b := s.NewBrowser()
		refreshToken(b)
		if p := open(b, "/account/data"); !strings.Contains(p.Body, `id="download"`) {
			t.Fatalf("before it is prepared:\n%s", p.Body)
		}
		ready := b.Post("/account/data", form())
		wantStatus(t, "preparing the file", ready, http.StatusOK)
		file := b.Get(ready.Attribute("href", func(a map[string]string) bool { return a["id"] == "file" }))
		wantText(t, "Content-Type", file.Header.Get("Content-Type"), "application/json")
		wantText(t, "Cache-Control", file.Header.Get("Cache-Control"), "no-store")
		var all map[string]json.RawMessage
		if err := json.Unmarshal([]byte(file.Body), &all); err != nil {
			t.Fatalf("the file: %v\n%s", err, file.Body)
		}
		members := slices.Sorted(maps.Keys(all))
		if want := []string{"account", "activity", "addresses", "claims", "consents", "credentials", "grants", "sessions"}; !slices.Equal(members, want) {
			t.Errorf("members %v, want %v", members, want)
		}
		for _, name := range members {
			if text := string(all[name]); name != "consents" && len(text) < 10 {
				t.Errorf("%s is %s", name, text)
			}
		}
		for _, secret := range []string{servertest.PasswordHash(), b.Cookie("ostiary_session"), "argon2"} {
			if strings.Contains(file.Body, secret) {
				t.Errorf("the file contains %q", secret)
			}
		}
		if p := s.NewBrowser().Get("/account/data/file"); p.Status != http.StatusSeeOther || p.Location().Path != "/login" {
			t.Errorf("the file without a session: %d to %s", p.Status, p.Location())
		}
	})
}

// Activity shows sign-ins with their device, and what the user changed.
func TestActivityPage(t *testing.T) {
	each(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		b := s.NewBrowser()
		refreshToken(b)
		open(b, "/account")
		submit(b, "/account/applications", "revoke", "web")
		submit(b, "/account/password", "current_password", servertest.Password, "new_password", "another horse battery")
		p := open(b, "/account/activity")
		servertest.Contains(t, p.Body, "Signed in", "127.0.0.1", "web can no longer use your account.", "Password changed")
		other := s.NewBrowser()
		page := other.Get(other.Get("/account/activity").Header.Get("Location"))
		signed := other.Post(page.FormAction(), form("request", page.HiddenField("request"), "username", "bob", "password", servertest.Password))
		theirs := other.Get(other.Get(signed.Header.Get("Location")).Header.Get("Location"))
		servertest.Contains(t, theirs.Body, "Signed in")
		servertest.Lacks(t, theirs.Body, "Password changed")
		wantStatus(t, "an unknown position", b.Get("/account/activity?before=x"), http.StatusOK)
	})
}
