//go:build e2e

package e2e

import "testing"

// createAccount submits the sign-up form, and returns the status of the next page.
func (p *browser) createAccount(repeat string) int64 {
	p.t.Helper()
	p.write("#username", "grace")
	p.write("#name", "Grace Hopper")
	p.write("#email", "grace@example.com")
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
	if userinfo := decode(p, p.read("#userinfo")); userinfo["email"] != "grace@example.com" || userinfo["email_verified"] != false {
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
