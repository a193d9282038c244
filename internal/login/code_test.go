package login_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/onetimelink"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

var codeIn = regexp.MustCompile(`(?m)^\d{6}$`)

// askForCode follows the link on the sign-in page of a request, asks for a code, and returns the
// form for it.
func askForCode(b *servertest.Browser, email string, parameters ...string) servertest.Response {
	b.Server.TB.Helper()
	signIn := b.Get(b.Get("/oauth2/auth?" + servertest.AuthorizationRequest(parameters...).Encode()).Location().String())
	link := signIn.Attribute("href", func(a map[string]string) bool { return a["id"] == "other-way" })
	p := submitForm(b, b.Get(link), "email", email)
	if p.Status != http.StatusOK || element(p, "code") == "" || element(p, "verify") == "" || element(p, "resend") == "" {
		b.Server.TB.Fatalf("no form for the code at %q: %d\n%s", link, p.Status, p.Body)
	}
	return p
}

// enterCode submits a code in the form for it.
func enterCode(b *servertest.Browser, form servertest.Response, code string) servertest.Response {
	return submitForm(b, form, "email", form.HiddenField("email"), "step", "code", "code", code)
}

// code returns the code of the latest message that has one.
func (s *mailServer) code() string {
	s.TB.Helper()
	for _, m := range s.mails() {
		if found := codeIn.FindString(m.Text); found != "" {
			return found
		}
	}
	s.TB.Fatal("no code was sent")
	return ""
}

// wrong returns a code that is not the given one.
func wrong(code string) string { return code[1:] + string('0'+(code[0]-'0'+1)%10) }

// A mailed code signs in at the level of one factor, once.
func TestSignInWithMailedCode(t *testing.T) {
	eachMailServer(t, nil, func(t *testing.T, s *mailServer) {
		t.Helper()
		b := s.NewBrowser()
		form := askForCode(b, "ADA@example.com")
		code := s.code()
		for _, bad := range []string{wrong(code), "", code + "0", strings.Repeat("9", 2000)} {
			if p := enterCode(b, form, bad); p.Status != http.StatusForbidden || element(p, "fault") == "" {
				t.Errorf("the code %.10q: status %d, want 403 and the reason", bad, p.Status)
			}
		}
		p := enterCode(b, form, code[:3]+" "+code[3:])
		wantLevel(t, (&ada{Browser: b}).idToken(p), "1", "otp")
		if page := b.Get("/account/authenticator"); page.Status != http.StatusSeeOther || page.Location().Path != "/login" {
			t.Errorf("the page for an authenticator app: %d to %s, want the sign-in page", page.Status, page.Location())
		}
		if again := enterCode(b, askForCode(b, "eve@example.com", "prompt", "login"), code); again.Status != http.StatusForbidden {
			t.Errorf("the used code in another request: status %d, want 403", again.Status)
		}
		servertest.Lacks(t, s.log.String(), code)
	})
}

// A code is valid for the request in which the user asked for it: a user who tells it to another
// one does not sign that one in.
func TestMailedCodeIsOfOneRequest(t *testing.T) {
	eachMailServer(t, nil, func(t *testing.T, s *mailServer) {
		t.Helper()
		user, other := s.NewBrowser(), s.NewBrowser()
		elsewhere := askForCode(other, "eve@example.com")
		form := askForCode(user, "ada@example.com")
		code := s.code()
		if p := enterCode(other, elsewhere, code); p.Status != http.StatusForbidden {
			t.Errorf("in another browser: status %d, want 403", p.Status)
		}
		if p := other.Post(form.FormAction(), url.Values{"request": {form.HiddenField("request")}, "step": {"code"}, "code": {code}}); p.Status < 400 {
			t.Errorf("with the request of another browser: status %d", p.Status)
		}
		wantLevel(t, (&ada{Browser: user}).idToken(enterCode(user, form, code)), "1", "otp")
	})
}

// A mailed code is one factor: the second one is asked for.
func TestMailedCodeIsFollowedByTheSecondFactor(t *testing.T) {
	eachMailServer(t, nil, func(t *testing.T, s *mailServer) {
		t.Helper()
		u := &ada{Browser: s.NewBrowser()}
		u.idToken(u.submitPassword(u.begin()))
		u.idToken(u.enrol(u.begin("acr_values", "2")))
		later := &ada{Browser: s.NewBrowser(), secret: u.secret}
		form := askForCode(later.Browser, "ada@example.com")
		code := s.code()
		next := enterCode(later.Browser, form, code)
		if next.Status != http.StatusSeeOther || next.Location().Path != "/login/second-factor" {
			t.Fatalf("after the code: %d to %s", next.Status, next.Header.Get("Location"))
		}
		s.Advance(time.Minute)
		wantLevel(t, later.idToken(later.submit(next, "code", later.code())), "2", "otp", "mfa")
	})
}

// Of the codes of a request five are compared, also without rate limits.
func TestMailedCodeIsTriedFiveTimes(t *testing.T) {
	eachMailServer(t, map[string]string{"rate_limits": "off"}, func(t *testing.T, s *mailServer) {
		t.Helper()
		b := s.NewBrowser()
		form := askForCode(b, "ada@example.com")
		code := s.code()
		for range 5 {
			if p := enterCode(b, form, wrong(code)); p.Status != http.StatusForbidden {
				t.Fatalf("a wrong code: status %d, want 403", p.Status)
			}
		}
		p := enterCode(b, form, code)
		if p.Status != http.StatusTooManyRequests || p.Header.Get("Retry-After") == "" {
			t.Errorf("the sixth code: status %d, Retry-After %q, want 429 and a time", p.Status, p.Header.Get("Retry-After"))
		}
	})
}

// A code ends after ten minutes, when another one is sent, and when the account changes.
func TestMailedCodeEnds(t *testing.T) {
	eachMailServer(t, map[string]string{"rate_limits": "off"}, func(t *testing.T, s *mailServer) {
		t.Helper()
		disable := func(*servertest.Browser, servertest.Response) {
			found, err := s.Store.Accounts.AccountByUsername(t.Context(), "ada")
			if err == nil {
				err = s.Store.Accounts.SetDisabled(t.Context(), found.Subject, true, s.Now())
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct {
			when string
			end  func(b *servertest.Browser, form servertest.Response)
		}{
			{"after ten minutes", func(*servertest.Browser, servertest.Response) { s.Advance(onetimelink.CodeLifetime) }},
			{"when another one is sent", func(b *servertest.Browser, form servertest.Response) {
				submitForm(b, form, "email", "ada@example.com", "step", "code", "resend", "on")
				s.mails()
			}},
			{"when the account is disabled", disable},
		} {
			b := s.NewBrowser()
			form := askForCode(b, "ada@example.com")
			code := s.code()
			c.end(b, form)
			if p := enterCode(b, form, code); p.Status != http.StatusForbidden {
				t.Errorf("%s: status %d, want 403", c.when, p.Status)
			}
		}
	})
}

// Of simultaneous requests with a code one signs in.
func TestMailedCodeIsSpentOnce(t *testing.T) {
	eachMailServer(t, map[string]string{"rate_limits": "off"}, func(t *testing.T, s *mailServer) {
		t.Helper()
		b := s.NewBrowser()
		form := askForCode(b, "ada@example.com")
		code := s.code()
		var accepted atomic.Int64
		var done sync.WaitGroup
		for range 5 {
			done.Go(func() {
				if p := enterCode(b, form, code); p.Status == http.StatusSeeOther {
					accepted.Add(1)
				}
			})
		}
		done.Wait()
		if accepted.Load() != 1 {
			t.Errorf("%d requests signed in, want 1", accepted.Load())
		}
	})
}

// The response and the rows are the same for an address that no account has.
func TestMailedCodeDoesNotTellWhoHasAnAccount(t *testing.T) {
	eachMailServer(t, nil, func(t *testing.T, s *mailServer) {
		t.Helper()
		var got []string
		for _, email := range []string{"ada@example.com", "eve@example.com"} {
			p := askForCode(s.NewBrowser(), email)
			got = append(got, requestID.ReplaceAllString(strings.ReplaceAll(p.Body, email, "ADDRESS"), "REQUEST"))
		}
		if got[0] != got[1] {
			t.Errorf("known:\n%s\nunknown:\n%s", got[0], got[1])
		}
		if sent, discarded := s.rows(mail.Sent), s.rows(mail.Discarded); len(sent) != 1 || len(discarded) != 1 || sent[0].To != "ada@example.com" {
			t.Errorf("sent %d, discarded %d, want one of each", len(sent), len(discarded))
		}
	})
}

// Without a mail server or with sign_in_code off there is neither link nor page.
func TestMailedCodeIsOff(t *testing.T) {
	eachMailServer(t, map[string]string{"sign_in_code": "off"}, func(t *testing.T, s *mailServer) {
		t.Helper()
		b := s.NewBrowser()
		signIn := b.Get(b.Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode()).Location().String())
		if element(signIn, "other-way") != "" || element(signIn, "forgot") == "" {
			t.Error("the sign-in page has #other-way, or lacks #forgot")
		}
		if p := b.Get("/login/code?request=" + signIn.HiddenField("request")); p.Status != http.StatusNotFound {
			t.Errorf("the page: status %d, want 404", p.Status)
		}
	})
}
