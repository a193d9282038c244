//go:build e2e

package e2e

import (
	"strings"
	"testing"
)

const gracesAddress = "grace@example.com"

// createAccount submits the sign-up form, and returns the status of the next page.
func (p *browser) createAccount(repeat string) int64 {
	p.t.Helper()
	return p.createAccountWith(gracesAddress, repeat)
}

// createAccountWith submits the sign-up form with another address.
func (p *browser) createAccountWith(address, repeat string) int64 {
	p.t.Helper()
	p.write("#username", "grace")
	p.write("#name", "Grace Hopper")
	p.write("#email", address)
	p.write("#password", "seven unrelated words")
	p.write("#repeat", repeat)
	return p.press("#create")
}

func TestSignUp(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	p := newBrowser(t)
	p.disableScript()

	p.open(server.demo)
	p.press("#signin")
	p.press("#signup")
	p.press("#signin-instead")
	p.press("#signup")
	p.wantFocus("username")
	if status := p.createAccount("eight unrelated words"); status != 400 {
		t.Errorf("status for two different passwords = %d, want 400", status)
	}
	p.wantText("#fault", "do not match")
	p.wantFocus("password")
	p.write("#password", "seven unrelated words")
	p.write("#repeat", "seven unrelated words")
	p.press("#create")
	p.wantText("h1", "Demo app wants to access your account")
	p.wantText(".user", "Grace Hopper", "grace")
	p.press("#accept")
	p.wantText("#greeting", "Hello, Grace Hopper")
	if userinfo := decode(p, p.read("#userinfo")); userinfo["email"] != gracesAddress || userinfo["email_verified"] != false {
		t.Errorf("userinfo = %v, want an unverified email address", userinfo)
	}
	p.press("#silent")
	p.wantText("#notice", "without showing a page")

	other := newBrowser(t)
	other.open(server.demo)
	other.press("#create-account")
	if status := other.createAccount("seven unrelated words"); status != 400 {
		t.Errorf("status for a taken user name = %d, want 400", status)
	}
	other.wantText("#fault", "taken")
	other.wantFocus("username")
	other.press("#cancel")
	other.wantText("#demo-error-code", "access_denied")
}

func TestSignUpWithoutMouse(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	p := newBrowser(t)

	p.open(server.demo)
	p.tabTo("#signin")
	p.enter()
	p.checkTabOrder()
	p.tabTo("#signup")
	p.enter()
	p.checkTabOrder()
	p.tabTo("#username")
	p.types("grace")
	p.tabTo("#password")
	p.types("seven unrelated words")
	p.tabTo("#repeat")
	p.types("seven unrelated words")
	p.enter() // in the last field
	p.wantText("h1", "Demo app wants to access your account")
}

// A user signs up at an application and confirms the address in the same browser, where the
// request continues.
func TestSignUpConfirmsTheAddress(t *testing.T) {
	t.Parallel()
	eachEngine(t, nil, func(s *service) {
		v := s.newTour()
		v.open(s.demo)
		v.press("#create-account")
		v.createAccount("seven unrelated words")
		v.checkInEachLanguage("verify-code")
		v.openLink(s.link("/verify", gracesAddress))
		v.checkInEachLanguage("verify")
		v.press("#confirm")
		v.press("#accept")
		v.wantText("#greeting", "Hello, Grace Hopper")
		if userinfo := decode(v.browser, v.read("#userinfo")); userinfo["email"] != gracesAddress || userinfo["email_verified"] != true {
			v.t.Errorf("userinfo = %v, want a verified email address", userinfo)
		}
		s.signUpInAnotherBrowser()
	})
}

// signUpInAnotherBrowser opens the link of a sign-up in another browser, which shows a code. The
// username is taken, so the user chooses another one.
func (s *service) signUpInAnotherBrowser() {
	s.t.Helper()
	const address = "hopper@example.com"
	v, other := s.newTour(), s.newTour()
	v.open(s.demo)
	v.press("#create-account")
	v.createAccountWith(address, "seven unrelated words")
	other.openLink(s.link("/verify", address))
	other.press("#confirm")
	code := other.read("#shown-code")
	other.check("shown-code")
	other.open(s.issuer + "/account")
	other.wantFocus("username") // the link signs no user in

	v.write("#code", "x")
	if status := v.press("#verify"); status != 403 {
		s.t.Errorf("status for a wrong code = %d, want 403", status)
	}
	v.check("verify-code-error")
	v.write("#code", code)
	if status := v.press("#verify"); status != 400 {
		s.t.Errorf("status for a taken user name = %d, want 400", status)
	}
	v.check("verify-name")
	v.write("#username", "hopper")
	v.press("#verify")
	v.wantText(".user", "hopper")
}

// openLink opens the link of a message. The page that it leads to has no token in its address.
func (p *browser) openLink(link string) {
	p.t.Helper()
	if status := p.open(link); status != 200 {
		p.t.Fatalf("status of the link = %d: %s", status, p.read("body"))
	}
	if address := p.address(); strings.ContainsAny(address, "?#") {
		p.t.Errorf("the link leads to %s, want no query", address)
	}
}
