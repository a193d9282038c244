package login_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// An imported hash is replaced at the first sign-in. Nothing else ends with it, and to
// import it again changes nothing.
func TestImportedHashIsReplacedAtFirstSignIn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := servertest.Start(t, db, map[string]string{"argon2_memory_mib": "19"})
		legacy, err := bcrypt.GenerateFromPassword([]byte(servertest.Password), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		for username, hash := range map[string]string{"weak": servertest.PasswordHash(), "legacy": string(legacy)} {
			file := fmt.Appendf(nil, `[{"username": %q, "password_hash": %q, "claims": {"name": "Somebody"}}]`, username, hash)
			bring := func() (created, updated int) {
				t.Helper()
				created, updated, err := s.ImportUsers(file)
				if err != nil {
					t.Fatal(err)
				}
				return created, updated
			}
			kept := func() string {
				t.Helper()
				a, err := s.Store.Accounts.AccountByUsername(t.Context(), username)
				if err != nil {
					t.Fatal(err)
				}
				return a.PasswordHash()
			}
			bring()
			s.Advance(1)
			b := s.NewBrowser()
			signIn := func(password string) int {
				t.Helper()
				form := b.Get(b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "login").Encode()).Location().String())
				return b.Post(form.FormAction(), url.Values{"request": {form.HiddenField("request")}, "username": {username}, "password": {password}}).Status
			}
			if got := signIn("wrong"); got != http.StatusForbidden || kept() != hash {
				t.Errorf("%s: a wrong password gets %d, and the hash is %q", username, got, kept())
			}
			if got := signIn(servertest.Password); got != http.StatusSeeOther {
				t.Errorf("%s: the right password gets %d", username, got)
			}
			renewed := kept()
			if !strings.HasPrefix(renewed, "$argon2id$v=19$m=19456,t=2,p=1$") {
				t.Errorf("%s: the hash is %q after a sign-in, want one as configured", username, renewed)
			}
			if created, updated := bring(); created != 0 || updated != 0 || kept() != renewed {
				t.Errorf("%s: the same import again creates %d and updates %d", username, created, updated)
			}
			if p := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "none").Encode()); p.Location().Query().Get("code") == "" {
				t.Errorf("%s: the session ended with the hash: %s", username, p.Location())
			}
			if got := signIn(servertest.Password); got != http.StatusSeeOther || kept() != renewed {
				t.Errorf("%s: the second sign-in gets %d, and the hash is %q", username, got, kept())
			}
		}
	})
}
