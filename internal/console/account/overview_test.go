package account_test

import (
	"encoding/base32"
	"regexp"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/totp"
)

// The overview names what the user should do, until it is done.
func TestOverviewNamesWhatToDo(t *testing.T) {
	each(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		b := s.NewBrowser()
		want := func(when, text, path string) {
			t.Helper()
			todo := regexp.MustCompile(`(?s)<div class="todo">.*?</div>`).FindString(open(b, "/account").Body)
			if text == "" && todo != "" || !strings.Contains(todo, text) || !strings.Contains(todo, path) {
				t.Errorf("%s: %q, want %q with a link to %s", when, todo, text, path)
			}
		}
		want("with a password", "Your password alone protects your account", s.URL+"/account/authenticator")

		page := open(b, "/account/authenticator")
		shown := regexp.MustCompile(`id="secret"[^>]*>([A-Z2-7 ]+)<`).FindStringSubmatch(page.Body)
		if shown == nil {
			t.Fatalf("no secret\n%s", page.Body)
		}
		secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(shown[1], " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		submit(b, "/account/authenticator", "code", totp.Code(secret, totp.Step(s.Time())))
		want("with an authenticator app", "recovery codes let you in", s.URL+"/account/recovery-codes")

		if p := b.Post("/account/recovery-codes", form("generate", "on")); p.Status != 200 {
			t.Fatalf("recovery codes: %d\n%s", p.Status, p.Body)
		}
		want("with recovery codes", "", "")
	})
}
