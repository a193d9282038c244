//go:build e2e

package e2e

import (
	"testing"
	"time"
)

// A user who is invited creates a passkey instead of a password, and signs in with it elsewhere. The
// passkey of a form that was rejected is replaced.
func TestInvitationWithAPasskey(t *testing.T) {
	t.Parallel()
	eachEngine(t, map[string]string{"SIGN_UP": "invited"}, func(s *service) {
		v := s.newTour()
		phone := v.addAuthenticator()
		s.command("users", "invite", gracesAddress)
		v.openLink(s.link("/invitation", gracesAddress))
		v.arrive("#passkey")
		v.checkInEachLanguage("invitation-passkey")
		evaluate[string](v.browser, "username.value = ''")
		v.click("#passkey")
		v.wantFocus("username")
		v.write("#username", s.username)
		v.write("#name", "Grace Hopper")
		v.expect("/invitation", 400)
		v.click("#passkey")
		v.arrive("#fault")
		v.check("invitation-passkey-taken")
		v.write("#username", "grace")
		v.click("#passkey")
		v.arrive("#continue")
		made := phone.passkeys()
		if len(made) != 1 || made[0].UserName != "grace" || made[0].UserDisplayName != "Grace Hopper" {
			t.Fatalf("the authenticator has %+v, want one passkey of grace", made)
		}
		v.press("#continue")
		v.wantText("h1", "Hello Grace Hopper")
		v.check("account-of-a-passkey")
		v.open(s.issuer + "/account/profile")
		v.write("#name", "Grace Brewster Hopper")
		v.press("#save")
		v.arrive("#passkey-user")
		wantUserDisplayName(phone, "Grace Brewster Hopper")
		v.open(s.issuer + "/account/password")
		v.wantNoElement("#current-password")

		other := s.newTour()
		other.addAuthenticator().add(made[0])
		other.open(s.issuer + "/account") // signs in from the name field
		other.arrive(".cards")
		other.wantText("h1", "Hello Grace Brewster Hopper")
	})
}

// The set-up link of a development server creates the first owner with a passkey, and leads to the
// console, whose first card connects an application. Without script there is only the password.
func TestSetUpWithAPasskey(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	plain := newBrowser(t)
	plain.disableScript()
	plain.open(server.setup)
	plain.wantText("main", "needs JavaScript", "Create administrator")
	if evaluate[bool](plain, "document.getElementById('passkey').checkVisibility()") {
		t.Error("the button is visible without script")
	}

	v := newTour(t)
	phone := v.addAuthenticator()
	v.open(server.setup)
	v.arrive("#passkey")
	v.checkInEachLanguage("set-up-passkey")
	v.write("#username", "root")
	v.click("#passkey")
	v.arrive("#connect")
	if got := v.address(); got != server.admin+"/console" {
		t.Fatalf("the set-up ends at %s, want the console\n%s", got, v.read("body"))
	}
	if made := phone.passkeys(); len(made) != 1 || made[0].UserName != "root" {
		t.Errorf("the authenticator has %+v, want a passkey of root", made)
	}
	v.open(server.issuer + "/account/passkeys")
	v.arrive("button#add-passkey") // at the level of the passkey
	if status := newBrowser(t).open(server.setup); status != 410 {
		t.Errorf("second status of the set-up link = %d, want 410", status)
	}
}

// wantUserDisplayName waits until the authenticator has a passkey with the name, which the page
// signals.
func wantUserDisplayName(a authenticator, want string) {
	a.t.Helper()
	got := ""
	for began := time.Now(); time.Since(began) < timeout; time.Sleep(50 * time.Millisecond) {
		if got = a.passkeys()[0].UserDisplayName; got == want {
			return
		}
	}
	a.t.Errorf("the passkey is of %q, want %q", got, want)
}
