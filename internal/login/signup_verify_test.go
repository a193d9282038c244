package login_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

// verified are the settings of a server on which users confirm their address.
func verified(settings ...string) map[string]string {
	all := map[string]string{"sign_up": "open", "sign_up_verify": "on"}
	for i := 0; i < len(settings); i += 2 {
		all[settings[i]] = settings[i+1]
	}
	return all
}

// signUpAs submits the sign-up form of a new request.
func signUpAs(b *servertest.Browser, username, email string) servertest.Response {
	b.Server.TB.Helper()
	form := b.Get(b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "create", "scope", "openid email profile").Encode()).Location().String())
	return submitForm(b, form, "username", username, "name", "Grace", "email", email, "password", newPassword, "repeat", newPassword)
}

// wantUser continues an authorization request and compares its user.
func wantUser(s *mailServer, b *servertest.Browser, p servertest.Response, username string) {
	s.TB.Helper()
	claims := (&ada{Browser: b}).idToken(p)
	a, err := s.Store.Accounts.AccountByUsername(s.TB.Context(), username)
	if err != nil {
		s.TB.Fatal(err)
	}
	if claims["sub"] != a.Subject {
		s.TB.Errorf("signed in as %v, want %s", claims["sub"], a.Subject)
	}
	if primary := a.PrimaryAddress(); primary == nil || primary.VerifiedAt.IsZero() || a.Claims["email_verified"] != true {
		s.TB.Errorf("the address of %s is %+v with the claims %v, want it verified", username, primary, a.Claims)
	}
}

// A user signs up, confirms the address in the same browser, and the request goes on.
func TestSignUpIsVerified(t *testing.T) {
	eachMailServer(t, verified(), func(t *testing.T, s *mailServer) {
		t.Helper()
		b := s.NewBrowser()
		p := signUpAs(b, "grace", "Grace@Example.com")
		if p.Header.Get("Location") != s.URL+"/verify" {
			t.Fatalf("status %d to %q, want the page that waits\n%s", p.Status, p.Header.Get("Location"), p.Body)
		}
		waiting := b.Get("/verify")
		if element(waiting, "code") == "" || element(waiting, "verify") == "" {
			t.Fatalf("no form for the code: %d\n%s", waiting.Status, waiting.Body)
		}
		if _, err := s.Store.Accounts.AccountByUsername(t.Context(), "grace"); err == nil {
			t.Error("the account exists before the address is confirmed")
		}
		link := s.link("Grace@Example.com")
		confirm := open(b, link)
		if element(confirm, "confirm") == "" {
			t.Fatalf("no #confirm: %d\n%s", confirm.Status, confirm.Body)
		}
		wantUser(s, b, submitForm(b, confirm, "confirm", "yes"), "grace")
		if again := open(s.NewBrowser(), link); again.Status != http.StatusGone {
			t.Errorf("the used link: status %d, want 410", again.Status)
		}
	})
}

// The link opened in another browser signs that browser in to nothing: it shows a code for the
// first one.
func TestSignUpIsVerifiedInAnotherBrowser(t *testing.T) {
	eachMailServer(t, verified(), func(t *testing.T, s *mailServer) {
		t.Helper()
		first, other := s.NewBrowser(), s.NewBrowser()
		signUpAs(first, "grace", "grace@example.com")
		shown := submitForm(other, open(other, s.link("grace@example.com")), "confirm", "yes")
		_, code, _ := strings.Cut(shown.Body, `id="shown-code"`)
		code = strings.TrimSpace(code[strings.IndexByte(code, '>')+1 : strings.IndexByte(code, '<')])
		if len(code) != 6 || other.Cookie("ostiary_session") != "" {
			t.Fatalf("the other browser shows the code %q, with the session %q", code, other.Cookie("ostiary_session"))
		}
		form := first.Get("/verify")
		if p := submitForm(first, form, "code", "x"); p.Status != http.StatusForbidden || element(p, "fault") == "" {
			t.Errorf("a wrong code: status %d, want 403 and the reason", p.Status)
		}
		if p := submitForm(s.NewBrowser(), form, "code", code); p.Status != http.StatusGone {
			t.Errorf("the code in a third browser: status %d, want 410", p.Status)
		}
		wantUser(s, first, submitForm(first, form, "code", code), "grace")
	})
}

// A code ends after five attempts and after ten minutes. The link then shows another one.
func TestSignUpCodeEnds(t *testing.T) {
	eachMailServer(t, verified(), func(t *testing.T, s *mailServer) {
		t.Helper()
		first, other := s.NewBrowser(), s.NewBrowser()
		signUpAs(first, "grace", "grace@example.com")
		confirm, form := open(other, s.link("grace@example.com")), first.Get("/verify")
		show := func() string {
			shown := submitForm(other, confirm, "confirm", "yes").Body
			_, code, _ := strings.Cut(shown, `id="shown-code"`)
			return code[strings.IndexByte(code, '>')+1 : strings.IndexByte(code, '<')]
		}
		code := show()
		for range 5 {
			submitForm(first, form, "code", "x")
		}
		if p := submitForm(first, form, "code", code); p.Status != http.StatusForbidden {
			t.Errorf("the sixth attempt: status %d, want 403", p.Status)
		}
		code = show()
		s.Advance(10 * time.Minute)
		if p := submitForm(first, form, "code", code); p.Status != http.StatusForbidden {
			t.Errorf("after ten minutes: status %d, want 403", p.Status)
		}
		wantUser(s, first, submitForm(first, form, "code", show()), "grace")
	})
}

// The response to a sign-up does not tell whether the username or the address is taken. The
// owner of the address is told by a message, and a taken username only after the address is
// confirmed.
func TestSignUpDoesNotTellWhoHasAnAccount(t *testing.T) {
	eachMailServer(t, verified(), func(t *testing.T, s *mailServer) {
		t.Helper()
		taken := s.NewBrowser()
		if p := signUpAs(taken, "grace", "ADA@example.com"); p.Header.Get("Location") != s.URL+"/verify" {
			t.Errorf("a taken address: status %d to %q", p.Status, p.Header.Get("Location"))
		}
		if p := taken.Get("/verify"); p.Status != http.StatusOK {
			t.Errorf("the page after a taken address: status %d", p.Status)
		}
		if got := s.mails()[0]; got.EnvelopeTo[0] != "ada@example.com" || !strings.Contains(got.Subject, "already have an account") || linkIn.MatchString(got.Text) {
			t.Errorf("the owner of the address gets %q to %v\n%s", got.Subject, got.EnvelopeTo, got.Text)
		}
		b := s.NewBrowser()
		if p := signUpAs(b, "ada", "second@example.com"); p.Header.Get("Location") != s.URL+"/verify" {
			t.Errorf("a taken username: status %d to %q", p.Status, p.Header.Get("Location"))
		}
		other := submitForm(b, open(b, s.link("second@example.com")), "confirm", "yes")
		if other.Status != http.StatusBadRequest || element(other, "username") == "" {
			t.Fatalf("a taken username after the confirmation: status %d\n%s", other.Status, other.Body)
		}
		wantUser(s, b, submitForm(b, other, "confirm", "yes", "username", "ada2"), "ada2")
	})
}

func TestSignUpDomains(t *testing.T) {
	eachMailServer(t, verified("sign_up", "domains", "sign_up_domains", "Example.com, exämple.org"), func(t *testing.T, s *mailServer) {
		t.Helper()
		for email, want := range map[string]int{
			"grace@example.com": http.StatusSeeOther, "grace@EXÄMPLE.org": http.StatusSeeOther,
			"grace@sub.example.com": http.StatusBadRequest, "grace@example.com.evil.test": http.StatusBadRequest, "": http.StatusBadRequest,
		} {
			if p := signUpAs(s.NewBrowser(), "grace", email); p.Status != want {
				t.Errorf("%q: status %d, want %d", email, p.Status, want)
			}
		}
	})
}

// An invited user creates an account with the address and the groups of the invitation.
func TestInvitation(t *testing.T) {
	eachMailServer(t, map[string]string{"sign_up": "invited"}, func(t *testing.T, s *mailServer) {
		t.Helper()
		for _, name := range []string{"staff room", "gone"} {
			servertest.Must(t, s.Store.Groups.InsertGroup(t.Context(), &account.Group{Name: name, CreatedAt: s.Time(), UpdatedAt: s.Time()}))
		}
		invitations := &manage.Invitations{
			Issuer: s.URL, Groups: s.Store.Groups, Links: s.Store.OneTimeLinks, Outbox: s.App.MailOutbox, HasMail: true, Now: s.Time,
		}
		who := manage.Invitee{Address: "Grace@example.com", Groups: []string{"staff room", "gone"}, By: "root"}
		servertest.Must(t, invitations.Mail(t.Context(), who))
		servertest.Must(t, s.Store.Groups.DeleteGroup(t.Context(), "gone"))
		b := s.NewBrowser()
		form := open(b, s.link("Grace@example.com"))
		for _, id := range []string{"username", "name", "password", "create"} {
			if element(form, id) == "" {
				t.Fatalf("no #%s: %d\n%s", id, form.Status, form.Body)
			}
		}
		if name := form.Attribute("value", func(a map[string]string) bool { return a["id"] == "username" }); name != "grace" {
			t.Errorf("the username is prefilled with %q, want grace", name)
		}
		if !strings.Contains(form.Body, "grace@example.com") {
			t.Error("the address is not shown")
		}
		if p := submitForm(b, form, "username", "ada", "password", newPassword); p.Status != http.StatusBadRequest || element(p, "fault") == "" {
			t.Errorf("a taken username: status %d, want 400 and the reason", p.Status)
		}
		who.Groups = who.Groups[:1]
		servertest.Must(t, invitations.Mail(t.Context(), who)) // replaces the first one
		s.mails()
		if p := submitForm(b, form, "username", "grace", "password", newPassword); p.Status != http.StatusGone {
			t.Errorf("a replaced invitation: status %d, want 410", p.Status)
		}
		done := submitForm(b, open(b, s.link("Grace@example.com")), "username", "grace", "name", "Grace Hopper", "password", newPassword)
		if done.Status != http.StatusOK || element(done, "continue") == "" {
			t.Fatalf("status %d, want a page with #continue\n%s", done.Status, done.Body)
		}
		a, err := s.Store.Accounts.AccountByUsername(t.Context(), "grace")
		servertest.Must(t, err)
		if len(a.Groups) != 1 || a.Groups[0] != "staff room" || a.Claims["name"] != "Grace Hopper" || a.PrimaryAddress().VerifiedAt.IsZero() {
			t.Errorf("the account is %+v, want the group and the verified address", a)
		}
		_, answer := servertest.AuthorizationResponse(t, b.Get("/oauth2/auth?"+servertest.AuthorizationRequest("prompt", "none").Encode()))
		if answer.Get("code") == "" {
			t.Errorf("the user is not signed in: %v", answer)
		}
		if _, _, err := invitations.Link(t.Context(), who); err == nil {
			t.Error("a user with an account can be invited")
		}
		if p := s.NewBrowser().Get("/signup"); p.Status != http.StatusNotFound {
			t.Errorf("the sign-up page: status %d, want 404", p.Status)
		}
	})
}

// An account gets a message to verify an address, and the link verifies it.
func TestVerifyAddressOfAnAccount(t *testing.T) {
	eachMailServer(t, nil, func(t *testing.T, s *mailServer) {
		t.Helper()
		a, err := s.Store.Accounts.AccountByUsername(t.Context(), "ada")
		servertest.Must(t, err)
		_, err = s.Store.Accounts.ChangeAccount(t.Context(), a.Subject, s.Time(), func(a *account.Account) error {
			return a.AddAddress("ada@work.example", time.Time{})
		})
		servertest.Must(t, err)
		send := func() string {
			m := mail.New(mail.Verify, "ada@work.example", s.Time())
			m.Subject = a.Subject
			servertest.Must(t, s.App.MailOutbox.Enqueue(t.Context(), m))
			return s.link("ada@work.example")
		}
		b := s.NewBrowser()
		link := send()
		p := submitForm(b, open(b, link), "confirm", "yes")
		if p.Status != http.StatusOK {
			t.Fatalf("status %d\n%s", p.Status, p.Body)
		}
		a, err = s.Store.Accounts.Account(t.Context(), a.Subject)
		servertest.Must(t, err)
		if a.Address("ada@work.example").VerifiedAt.IsZero() {
			t.Error("the address is not verified")
		}
		if again := open(b, link); again.Status != http.StatusGone {
			t.Errorf("the used link: status %d, want 410", again.Status)
		}
		if p := b.Post("/verify", url.Values{"confirm": {"yes"}}); p.Status != http.StatusGone {
			t.Errorf("a second confirmation: status %d, want 410", p.Status)
		}
	})
}

// Where everybody needs a second factor, a new password alone begins no session: neither that of an
// invitation, nor that of a sign-up whose request has ended.
func TestNewAccountsNeedTheirSecondFactor(t *testing.T) {
	eachMailServer(t, verified("second_factor", "required"), func(t *testing.T, s *mailServer) {
		t.Helper()
		invitations := &manage.Invitations{
			Issuer: s.URL, Groups: s.Store.Groups, Links: s.Store.OneTimeLinks, Outbox: s.App.MailOutbox, HasMail: true, Now: s.Time,
		}
		servertest.Must(t, invitations.Mail(t.Context(), manage.Invitee{Address: "grace@example.com", By: "root"}))
		invited, signedUp := s.NewBrowser(), s.NewBrowser()
		p := submitForm(invited, open(invited, s.link("grace@example.com")), "username", "grace", "password", newPassword)
		if invited.Cookie("ostiary_session") != "" || p.Status != http.StatusSeeOther {
			t.Errorf("invitation: %d to %q, session %q", p.Status, p.Header.Get("Location"), invited.Cookie("ostiary_session"))
		}
		if p = invited.Get("/account"); p.Location().Path != "/login" {
			t.Errorf("the account of the invitation: %d to %s", p.Status, p.Location())
		}

		signUpAs(signedUp, "emmy", "emmy@example.com")
		link := s.link("emmy@example.com")
		s.Advance(time.Hour) // the request ends
		p = submitForm(signedUp, open(signedUp, link), "confirm", "yes")
		if _, err := s.Store.Accounts.AccountByUsername(t.Context(), "emmy"); err != nil {
			t.Fatalf("the sign-up: %d, %v\n%s", p.Status, err, p.Body)
		}
		if signedUp.Cookie("ostiary_session") != "" {
			t.Errorf("sign-up: %d to %q, with a session", p.Status, p.Header.Get("Location"))
		}
	})
}
