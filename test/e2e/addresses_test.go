//go:build e2e

package e2e

import "testing"

// A user replaces the email address: adds and confirms a new one, makes it the primary one, which
// applications read, and removes the other.
func TestAddresses(t *testing.T) {
	t.Parallel()
	eachEngine(t, nil, func(s *service) {
		const renewed = "countess@example.com"
		v, page := s.newTour(), s.issuer+"/account/addresses"
		v.open(page)
		v.signIn(s.username, s.password)
		v.write("#email", adasAddress)
		if status := v.press("#add"); status != 400 {
			s.t.Errorf("status for an address of the account = %d, want 400", status)
		}
		v.check("account-addresses-error")
		v.write("#email", renewed)
		v.press("#add")
		v.wantText("#status", renewed)
		s.awaitNotice("New email address")
		v.checkInEachLanguage("account-addresses-two")
		v.openLink(s.link("/verify", renewed))
		v.press("#confirm")
		v.check("verified")
		v.press("#continue")
		v.open(page)
		v.press("button[name=primary]")
		v.wantText("#status", renewed)
		v.press("button[name=remove][value='" + adasAddress + "']")
		v.check("account-addresses-remove")
		v.press("#confirm")
		v.wantText("#status", adasAddress)
		v.wantNoElement(".address + .address")
		s.awaitNotice("Email address removed")

		v.open(s.demo)
		v.press("#signin")
		v.press("#accept")
		if userinfo := decode(v.browser, v.read("#userinfo")); userinfo["email"] != renewed || userinfo["email_verified"] != true {
			s.t.Errorf("userinfo = %v, want the new email address", userinfo)
		}
	})
}
