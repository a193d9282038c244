package login_test

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/onetimelink"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// recoverIn sets a new password of ada in a browser, with a link that was asked for in the request,
// and returns the response.
func recoverIn(b *servertest.Browser, request string) servertest.Response {
	s := b.Server
	s.TB.Helper()
	a, err := s.Store.Accounts.AccountByUsername(s.TB.Context(), "ada")
	if err != nil {
		s.TB.Fatal(err)
	}
	l, token := onetimelink.New(onetimelink.Recover, a.Subject, "", s.Time())
	l.Version, l.Data.Request = onetimelink.Version(onetimelink.Recover, a), request
	if err := s.Store.OneTimeLinks.InsertLink(s.TB.Context(), l); err != nil {
		s.TB.Fatal(err)
	}
	return submitForm(b, open(b, onetimelink.URL(s.URL, onetimelink.Recover, token)), "password", newPassword)
}

// signInAgain submits the sign-in form that p redirects to, with the new password.
func (u *ada) signInAgain(p servertest.Response) servertest.Response {
	u.Server.TB.Helper()
	form := u.Get(p.Location().String())
	return u.Post(form.FormAction(), url.Values{
		"request": {form.HiddenField("request")}, "username": {"ada"}, "password": {newPassword},
	})
}

// A session that began with a link for a new password neither adds nor removes a credential until
// the user has proven that password.
func TestRecoveredSessionChangesNoCredential(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.StartOnLocalhost(t, db, map[string]string{"rate_limits": "off"}, slog.DiscardHandler)
		for name, tc := range map[string]struct {
			path string
			form url.Values // posted to path; nil for GET
			has  string     // an element of the page after the user has signed in again
		}{
			"the page for an authenticator app":   {path: "/account/authenticator", has: "secret"},
			"an authenticator app":                {path: "/account/authenticator", form: url.Values{"code": {"123456"}}, has: "secret"},
			"the removal of an authenticator app": {path: "/account/authenticator", form: url.Values{"remove": {"x"}, "confirm": {"yes"}}, has: "secret"},
			"recovery codes":                      {path: "/account/recovery-codes", form: url.Values{"generate": {"yes"}}, has: "generate"},
			"the page for a passkey":              {path: "/account/passkeys?add=1", has: "passkey-create"},
			"a passkey":                           {path: "/account/passkeys", form: url.Values{"state": {"x"}, "credential": {"{}"}}, has: "passkey-create"},
			"the removal of a passkey":            {path: "/account/passkeys", form: url.Values{"remove": {"AAAA"}, "confirm": {"yes"}}, has: "passkey-create"},
		} {
			s.Advance(time.Minute)
			u := &ada{Browser: s.NewBrowser()}
			if p := recoverIn(u.Browser, ""); p.Status != http.StatusOK || u.Cookie("ostiary_session") == "" {
				t.Fatalf("recovery: %d\n%s", p.Status, p.Body)
			}
			if page := u.Get("/account/passkeys"); page.Status != http.StatusOK || element(page, "passkey-create") != "" {
				t.Errorf("the list of passkeys: %d, or it can add one", page.Status)
			}
			p := u.Get(tc.path)
			if tc.form != nil {
				p = u.Post(tc.path, tc.form)
			}
			if p.Status != http.StatusSeeOther || p.Location().Path != "/login" {
				t.Errorf("%s: %d to %s, want the sign-in page\n%s", name, p.Status, p.Location(), p.Body)
				continue
			}
			if page := u.Follow(u.signInAgain(p)); page.Status != http.StatusOK || element(page, tc.has) == "" {
				t.Errorf("%s: after the sign-in %d without #%s\n%s", name, page.Status, tc.has, page.Body)
			}
		}
	})
}

// The same holds for the pages of the sign-in flow on which users without a second factor add one.
func TestRecoveredSignInEnrolsNothing(t *testing.T) {
	t.Parallel()
	for mode, inFlow := range map[string]bool{"required": true, "on_demand": false} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.Store) {
				t.Helper()
				settings := map[string]string{"rate_limits": "off", "second_factor": mode, "second_factor_grace": "0s"}
				s := servertest.StartOnLocalhost(t, db, settings, slog.DiscardHandler)
				u := &ada{Browser: s.NewBrowser()}
				id := u.BeginSignIn("acr_values", "2")
				p := recoverIn(u.Browser, id)
				if !inFlow {
					p = u.Get(p.Location().String())
				}
				if p.Location().Path != "/login/second-factor" || (u.Cookie("ostiary_session") == "") != inFlow {
					t.Fatalf("after the recovery: %d to %s, session %q", p.Status, p.Location(), u.Cookie("ostiary_session"))
				}
				for _, page := range []string{"/login/enrol", "/login/passkey/create"} {
					if got := u.Get(page + "?request=" + id); got.Status != http.StatusSeeOther || got.Location().Path != "/oauth2/auth" {
						t.Errorf("GET %s: %d to %s", page, got.Status, got.Location())
					}
				}
				if got := u.Post("/login/enrol", url.Values{"request": {id}, "code": {"123456"}}); got.Status != http.StatusSeeOther || got.Location().Path != "/oauth2/auth" {
					t.Errorf("POST /login/enrol: %d to %s", got.Status, got.Location())
				}
				offer := u.Get(p.Location().String())
				link := offer.Attribute("href", func(a map[string]string) bool { return a["id"] == "enrol" })
				if !strings.HasPrefix(link, s.URL+"/login?") {
					t.Fatalf("the offer leads to %q, want the sign-in page", link)
				}
				form := u.Get(link)
				p = u.Post(form.FormAction(), url.Values{"request": {id}, "username": {"ada"}, "password": {newPassword}})
				if !inFlow {
					p = u.Get(p.Location().String())
				}
				wantLevel(t, u.idToken(u.enrol(p)), "2", "pwd", "otp", "mfa")
			})
		})
	}
}
