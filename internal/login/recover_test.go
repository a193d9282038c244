package login_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

const newPassword = "another horse battery"

// forgot follows the link on the sign-in page of a new request, and asks for a link.
func forgot(b *servertest.Browser, email string) servertest.Response {
	b.Server.TB.Helper()
	signIn := b.Get(b.Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode()).Location().String())
	link := signIn.Attribute("href", func(a map[string]string) bool { return a["id"] == "forgot" })
	form := b.Get(link)
	if element(form, "email") == "" || element(form, "send") == "" {
		b.Server.TB.Fatalf("no form for the address at %q: %d\n%s", link, form.Status, form.Body)
	}
	return submitForm(b, form, "email", email)
}

// status returns the status of a sign-in as ada with a password.
func signInStatus(s *servertest.Server, password string) int {
	return s.NewBrowser().SignInWithPassword(password)
}

// A user who forgot the password gets a link, sets a new one, and the request goes on.
func TestRecoverPassword(t *testing.T) {
	eachMailServer(t, nil, func(t *testing.T, s *mailServer) {
		t.Helper()
		elsewhere := s.NewBrowser()
		elsewhere.Code(servertest.AuthorizationRequest())
		b := s.NewBrowser()
		if p := forgot(b, " ADA@Example.COM"[1:]); p.Status != http.StatusOK || p.FormAction() == b.Server.URL+"/recover" {
			t.Fatalf("status %d, want a page without form", p.Status)
		}
		link := s.link("ada@example.com")
		if want := s.URL + "/recover?token="; !strings.HasPrefix(link, want) {
			t.Errorf("the link is %s, want it to begin with %s", link, want)
		}
		open(s.NewBrowser(), link) // a scanner of mail spends nothing
		page := open(b, link)
		if element(page, "password") == "" || element(page, "save") == "" {
			t.Fatalf("no form for the password: %d\n%s", page.Status, page.Body)
		}
		for name, want := range map[string]string{"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
			if got := page.Header.Get(name); got != want {
				t.Errorf("%s = %q, want %q", name, got, want)
			}
		}
		if csp := page.Header.Get("Content-Security-Policy"); strings.Contains(csp, "https:") {
			t.Errorf("the page may load from other hosts: %s", csp)
		}
		short := submitForm(b, page, "password", "short")
		if short.Status != http.StatusBadRequest || element(short, "fault") == "" {
			t.Errorf("a short password: status %d, want 400 and the reason", short.Status)
		}
		p := submitForm(b, short, "password", newPassword)
		u := &ada{Browser: b}
		wantLevel(t, u.idToken(p), "1", "otp")
		if again := open(s.NewBrowser(), link); again.Status != http.StatusGone {
			t.Errorf("the used link: status %d, want 410", again.Status)
		}
		for password, want := range map[string]int{servertest.Password: http.StatusForbidden, newPassword: http.StatusSeeOther} {
			if got := signInStatus(s.Server, password); got != want {
				t.Errorf("sign-in with %q: status %d, want %d", password, got, want)
			}
		}
		signedIn := elsewhere.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "none").Encode())
		if _, answer := servertest.AuthorizationResponse(t, signedIn); answer.Get("error") != "login_required" {
			t.Errorf("the other session continues: %v", answer)
		}
		if got := s.mails()[0]; got.Subject != "Your Ostiary account was recovered" || got.EnvelopeTo[0] != "ada@example.com" {
			t.Errorf("the last message is %q to %v, want the notice of the recovery", got.Subject, got.EnvelopeTo)
		}
		token := link[strings.IndexByte(link, '=')+1:]
		servertest.Lacks(t, s.log.String(), token, newPassword)
	})
}

// The link opened in another browser signs in there, without the request.
func TestRecoverPasswordInAnotherBrowser(t *testing.T) {
	eachMailServer(t, nil, func(t *testing.T, s *mailServer) {
		t.Helper()
		forgot(s.NewBrowser(), "ada@example.com")
		b := s.NewBrowser()
		done := submitForm(b, open(b, s.link("ada@example.com")), "password", newPassword)
		if done.Status != http.StatusOK || element(done, "continue") == "" {
			t.Fatalf("status %d, want a page with #continue\n%s", done.Status, done.Body)
		}
		_, answer := servertest.AuthorizationResponse(t, b.Get("/oauth2/auth?"+servertest.AuthorizationRequest("prompt", "none").Encode()))
		if answer.Get("code") == "" {
			t.Errorf("the user is not signed in: %v", answer)
		}
	})
}

// A link alone does not replace two factors: the second one is asked for before the password.
func TestRecoverPasswordAsksForTheSecondFactor(t *testing.T) {
	eachMailServer(t, nil, func(t *testing.T, s *mailServer) {
		t.Helper()
		u := &ada{Browser: s.NewBrowser()}
		u.idToken(u.submitPassword(u.begin()))
		u.idToken(u.enrol(u.begin("acr_values", "2")))
		b := s.NewBrowser()
		forgot(b, "ada@example.com")
		form := open(b, s.link("ada@example.com"))
		if element(form, "code") == "" || element(form, "verify") == "" || element(form, "password") != "" {
			t.Fatalf("no form for the second factor: %d\n%s", form.Status, form.Body)
		}
		if p := b.Post("/recover", url.Values{"password": {newPassword}}); p.Status != http.StatusSeeOther {
			t.Errorf("a password before the second factor: status %d, want a redirect to the form", p.Status)
		}
		if got := signInStatus(s.Server, newPassword); got != http.StatusForbidden {
			t.Errorf("the password was set without the second factor: status %d", got)
		}
		if p := submitForm(b, form, "code", "000000"); p.Status != http.StatusForbidden || element(p, "fault") == "" {
			t.Errorf("a wrong code: status %d, want 403 and the reason", p.Status)
		}
		s.Advance(time.Minute)
		proven := submitForm(b, form, "code", u.code())
		p := submitForm(b, b.Get(proven.Location().String()), "password", newPassword)
		wantLevel(t, (&ada{Browser: b}).idToken(p), "2", "pwd", "otp", "mfa")
	})
}

var requestID = regexp.MustCompile(`\b[0-9a-f]{31}\b`)

// The response, its headers and the stored rows are the same for an address that no account has.
func TestRecoveryDoesNotTellWhoHasAnAccount(t *testing.T) {
	eachMailServer(t, nil, func(t *testing.T, s *mailServer) {
		t.Helper()
		var got []servertest.Response
		for _, email := range []string{"ada@example.com", "eve@example.com"} {
			p := forgot(s.NewBrowser(), email)
			p.Body = requestID.ReplaceAllString(strings.ReplaceAll(p.Body, email, "ADDRESS"), "REQUEST")
			for _, header := range []string{"Date", "X-Request-Id", "Content-Length"} {
				p.Header.Del(header)
			}
			got = append(got, p)
		}
		known, unknown := got[0], got[1]
		if known.Status != unknown.Status || known.Body != unknown.Body || len(known.Header) != len(unknown.Header) {
			t.Errorf("known: %d %v\n%s\nunknown: %d %v\n%s", known.Status, known.Header, known.Body, unknown.Status, unknown.Header, unknown.Body)
		}
		if sent, discarded := s.rows(mail.Sent), s.rows(mail.Discarded); len(sent) != 1 || len(discarded) != 1 || sent[0].To != "ada@example.com" {
			t.Errorf("sent %d, discarded %d, want one of each", len(sent), len(discarded))
		}
	})
}

// An address gets three messages in an hour and ten in a day, a network causes twenty in an hour. The
// response stays the same.
func TestRecoveryIsLimited(t *testing.T) {
	eachMailServer(t, nil, func(t *testing.T, s *mailServer) {
		t.Helper()
		b := s.NewBrowser()
		ask := func(n int, email string) {
			for range n {
				if p := b.Post("/recover", url.Values{"email": {email}}); p.Status != http.StatusOK {
					t.Fatalf("status %d, want the same response for each request", p.Status)
				}
			}
		}
		want := func(what string, n int) {
			t.Helper()
			if got := len(s.mails()); got != n {
				t.Errorf("%s: %d messages, want %d", what, got, n)
			}
		}
		ask(5, "ada@example.com")
		want("in the first hour", 3)
		for range 4 {
			s.Advance(time.Hour)
			ask(4, "ADA@example.com")
		}
		want("in a day", 10)
		s.Advance(25 * time.Hour)
		ask(1, "ada@example.com")
		want("the next day", 11)
		for i := range 25 {
			ask(1, string(rune('a'+i))+"@other.example")
		}
		if rows := len(s.rows(mail.Discarded)); rows != 19 {
			t.Errorf("a network caused %d messages in an hour after the first one, want 19 more", rows)
		}
	})
}

// A link ends with another of its kind, a new password, a new address, and its time.
func TestRecoveryLinkEnds(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *mailServer, *account.Account) error{
		"another link": func(_ *testing.T, s *mailServer, _ *account.Account) error {
			forgot(s.NewBrowser(), "ada@example.com")
			s.mails()
			return nil
		},
		"new password": func(t *testing.T, s *mailServer, a *account.Account) error {
			t.Helper()
			return s.Store.Accounts.SetPassword(t.Context(), a.Subject, servertest.PasswordHash(), s.Time())
		},
		"new address": func(t *testing.T, s *mailServer, a *account.Account) error {
			t.Helper()
			_, err := s.Store.Accounts.ChangeAccount(t.Context(), a.Subject, s.Time(), func(a *account.Account) error {
				return a.SetAddresses(append(a.Addresses, account.Address{Address: "new@example.com"}))
			})
			return err
		},
		"disabled": func(t *testing.T, s *mailServer, a *account.Account) error {
			t.Helper()
			return s.Store.Accounts.SetDisabled(t.Context(), a.Subject, true, s.Time())
		},
		"time": func(_ *testing.T, s *mailServer, _ *account.Account) error {
			s.Advance(30 * time.Minute)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachMailServer(t, nil, func(t *testing.T, s *mailServer) {
				t.Helper()
				a, err := s.Store.Accounts.AccountByUsername(t.Context(), "ada")
				servertest.Must(t, err)
				forgot(s.NewBrowser(), "ada@example.com")
				link := s.link("ada@example.com")
				b := s.NewBrowser()
				form := open(b, link)
				s.Advance(time.Second)
				servertest.Must(t, end(t, s, a))
				if p := submitForm(b, form, "password", newPassword); p.Status != http.StatusGone || element(p, "error") == "" {
					t.Errorf("POST: status %d, want 410 and the error page", p.Status)
				}
				if p := open(s.NewBrowser(), link); p.Status != http.StatusGone {
					t.Errorf("GET: status %d, want 410", p.Status)
				}
			})
		})
	}
}

// Links are those of the issuer, whatever host a request names.
func TestLinksAreOfTheIssuer(t *testing.T) {
	eachMailServer(t, nil, func(t *testing.T, s *mailServer) {
		t.Helper()
		body := url.Values{"email": {"ada@example.com"}}.Encode()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/recover", strings.NewReader(body))
		servertest.Must(t, err)
		r.Host = "evil.example"
		for name, value := range map[string]string{
			"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https",
			"Forwarded": "host=evil.example", "Origin": s.Config.Origin(),
		} {
			r.Header.Set(name, value)
		}
		if p := servertest.Send(t, http.DefaultClient, r); p.Status != http.StatusOK {
			t.Errorf("status %d, want that of another request", p.Status)
		}
		if m := s.mails()[0]; strings.Contains(m.Text+m.Header, "evil.example") || !strings.Contains(m.Text, s.URL+"/recover?token=") {
			t.Errorf("the message is\n%s\n%s\nwant a link of %s", m.Header, m.Text, s.URL)
		}
		r, err = http.NewRequestWithContext(t.Context(), http.MethodGet, s.link("ada@example.com"), nil)
		servertest.Must(t, err)
		r.Host = "evil.example"
		r.Header.Set("X-Forwarded-Host", "evil.example")
		c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		if p := servertest.Send(t, c, r); p.Header.Get("Location") != s.URL+"/recover" {
			t.Errorf("the link redirects to %q, want %s/recover", p.Header.Get("Location"), s.URL)
		}
	})
}

// Without mail, an administrator's link sets a password. It replaces a lost second factor, without
// raising the level.
func TestRecoverByAnAdministrator(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := servertest.Start(t, db, nil)
		u := &ada{Browser: s.NewBrowser()}
		u.idToken(u.submitPassword(u.begin()))
		u.idToken(u.enrol(u.begin("acr_values", "2")))
		a, err := db.Accounts.AccountByUsername(t.Context(), "ada")
		servertest.Must(t, err)
		recovery := &manage.Recovery{Issuer: s.URL, Links: db.OneTimeLinks, Now: s.Time}
		link, _, err := recovery.Link(t.Context(), a, false)
		servertest.Must(t, err)
		if _, err := recovery.Mail(t.Context(), a, false); err == nil {
			t.Error("Mail without a mail server succeeds")
		}
		if p := s.NewBrowser().Get("/recover"); p.Status != http.StatusNotFound {
			t.Errorf("GET /recover without a link: status %d, want 404", p.Status)
		}
		b := s.NewBrowser()
		if p := submitForm(b, open(b, link), "password", newPassword); p.Status != http.StatusOK {
			t.Fatalf("status %d\n%s", p.Status, p.Body)
		}
		wantLevel(t, (&ada{Browser: b}).idToken(b.Get("/oauth2/auth?"+servertest.AuthorizationRequest().Encode())), "1", "otp")
	})
}

// A page of another site cannot spend a link.
func TestRecoveryIsSameOrigin(t *testing.T) {
	eachMailServer(t, nil, func(t *testing.T, s *mailServer) {
		t.Helper()
		b := s.NewBrowser()
		forgot(b, "ada@example.com")
		open(b, s.link("ada@example.com"))
		body := url.Values{"password": {newPassword}}.Encode()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/recover", strings.NewReader(body))
		servertest.Must(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		if p := servertest.Send(t, b.Client, r); p.Status != http.StatusForbidden {
			t.Errorf("status %d, want 403", p.Status)
		}
		if got := signInStatus(s.Server, servertest.Password); got != http.StatusSeeOther {
			t.Errorf("sign-in with the password of before: status %d", got)
		}
	})
}
