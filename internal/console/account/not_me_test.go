package account_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
)

// The link of a notice, also of one before the password was changed, ends all sessions and the
// access of applications, and leads to a new password. It works once.
func TestThisWasNotMe(t *testing.T) {
	eachWithMail(t, func(t *testing.T, s *servertest.MailServer) {
		t.Helper()
		s.Advance(time.Hour)
		thief := s.NewBrowser()
		token := refreshToken(thief)
		link := s.MailedLink("ada@example.com", "/not-me")
		open(thief, "/account/addresses")
		submit(thief, "/account/addresses", "email", "thief@example.org")
		openLink(thief, s.MailedLink("thief@example.org", "/verify"))
		thief.Post("/verify", form("confirm", "yes"))
		submit(thief, "/account/addresses", "primary", "thief@example.org")
		submit(thief, "/account/password", "current_password", servertest.Password, "new_password", "another horse battery")
		if earlier := openLink(s.NewBrowser(), link); !has(earlier, "confirm") {
			t.Errorf("the link of an earlier notice: %d without #confirm\n%s", earlier.Status, earlier.Body)
		}

		b := s.NewBrowser()
		page := openLink(b, s.MailedLink("ada@example.com", "/not-me"))
		if !has(page, "confirm") {
			t.Fatalf("no #confirm: %d\n%s", page.Status, page.Body)
		}
		wantStatus(t, "the session before the confirmation", thief.Get("/account"), http.StatusOK)
		p := b.Post(page.FormAction(), form("confirm", "yes"))
		wantText(t, "the next page", p.Header.Get("Location"), s.URL+"/recover")
		if p := thief.Get("/account"); p.Status != http.StatusSeeOther {
			t.Errorf("the session of the other user: %d", p.Status)
		}
		servertest.WantError(t, s.Refresh(token), http.StatusBadRequest, "invalid_grant")
		wantStatus(t, "the link of an earlier notice, afterwards", openLink(s.NewBrowser(), link), http.StatusGone)
		wantStatus(t, "the link again", b.Post("/not-me", form("confirm", "yes")), http.StatusGone)
		if form := b.Get("/recover"); !has(form, "password") {
			t.Fatalf("no form for the password: %d\n%s", form.Status, form.Body)
		}
		wantStatus(t, "the new password", b.Post("/recover", form("password", "third horse battery staple")), http.StatusOK)
		activity := b.Get("/account/activity")
		servertest.Contains(t, activity.Body, "All sessions ended: you reported something that was not you")
	})
}

// The link in the notice to the former primary address makes it the primary one again.
func TestThisWasNotMeRestoresThePrimaryAddress(t *testing.T) {
	eachWithMail(t, func(t *testing.T, s *servertest.MailServer) {
		t.Helper()
		b := s.NewBrowser()
		open(b, "/account/addresses")
		submit(b, "/account/addresses", "email", "new@example.org")
		openLink(b, s.MailedLink("new@example.org", "/verify"))
		b.Post("/verify", form("confirm", "yes"))
		s.Mails()
		submit(b, "/account/addresses", "primary", "new@example.org")
		own, other := s.MailedLink("ada@example.com", "/not-me"), s.MailedLink("new@example.org", "/not-me")
		servertest.Lacks(t, openLink(s.NewBrowser(), other).Body, "becomes the primary address again")
		victim := s.NewBrowser()
		servertest.Contains(t, openLink(victim, own).Body, "becomes the primary address again")
		victim.Post("/not-me", form("confirm", "yes"))
		wantText(t, "addresses", addressesOf(t, s.Server), "ada@example.com* new@example.org")
		if p := victim.Get("/recover"); !has(p, "password") {
			t.Errorf("no form for the password: %d\n%s", p.Status, p.Body)
		}
		wantStatus(t, "the link to the other address", openLink(s.NewBrowser(), other), http.StatusGone)
	})
}

// The activity page leads to the same end, also without mail: after a confirmation all sessions
// end, this one too. The user then signs in and sets a new password with the current one, so that
// a stolen session cannot set one.
func TestActivityWasNotMe(t *testing.T) {
	each(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		b, thief := s.NewBrowser(), s.NewBrowser()
		open(b, "/account")
		token := refreshToken(thief)
		page := open(b, "/account/activity")
		id := page.Attribute("value", func(a map[string]string) bool { return a["name"] == "not_me" })
		servertest.Contains(t, page.Body, "This was not me", "Signed in")

		ask := func() servertest.Response {
			t.Helper()
			p := b.Post("/account/activity", form("not_me", id))
			wantText(t, "the next page", p.Header.Get("Location"), s.URL+"/not-me")
			p = b.Get("/not-me")
			servertest.Contains(t, p.Body, "this one too", `id="cancel" class="button quiet" href="`+s.URL+`/account/activity"`)
			return p
		}
		earlier := s.NewBrowser()
		ask()
		earlier.Client.Jar.SetCookies(servertest.ParseURL(t, s.URL), b.Client.Jar.Cookies(servertest.ParseURL(t, s.URL+"/not-me")))
		wantStatus(t, "the link in another browser", earlier.Get("/not-me"), http.StatusOK)
		confirm := ask()
		wantStatus(t, "the link of an earlier page", earlier.Get("/not-me"), http.StatusGone)
		wantStatus(t, "the session before the confirmation", thief.Get("/account"), http.StatusOK)
		s.Advance(time.Second)
		p := b.Post(confirm.FormAction(), form("confirm", "yes"))
		wantText(t, "the page after the confirmation", p.Header.Get("Location"), s.URL+"/account/password")
		wantStatus(t, "the link again", b.Post("/not-me", form("confirm", "yes")), http.StatusGone)
		for name, one := range map[string]*servertest.Browser{"own": b, "other": thief} {
			if p := one.Get("/account"); p.Location().Path != "/login" {
				t.Errorf("the %s session: %d to %s", name, p.Status, p.Location())
			}
		}
		servertest.WantError(t, s.Refresh(token), http.StatusBadRequest, "invalid_grant")
		servertest.Contains(t, open(b, "/account/password").Body, `id="current-password"`)
		activity := b.Get("/account/activity").Body
		servertest.Contains(t, activity, "All sessions ended: you reported something that was not you")
		if signIns, buttons := strings.Count(activity, "<strong>Signed in"), strings.Count(activity, `name="not_me"`); signIns != 3 || buttons != 4 {
			t.Errorf("%d buttons, and %d sign-ins; want 4 with that of a consent, and 3", buttons, signIns)
		}
		wantStatus(t, "no event", b.Post("/account/activity", form()), http.StatusNotFound)
	})
}
