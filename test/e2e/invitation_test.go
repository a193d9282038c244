//go:build e2e

package e2e

import "testing"

// A user who is invited by mail creates an account and arrives at the account pages. The
// invitation works once.
func TestInvitation(t *testing.T) {
	t.Parallel()
	eachEngine(t, map[string]string{"SIGN_UP": "invited"}, func(s *service) {
		v := s.newTour()
		s.command("users", "invite", gracesAddress)
		link := s.link("/invitation", gracesAddress)
		v.openLink(link)
		v.checkInEachLanguage("invitation")
		v.wantText("main", gracesAddress)
		if name := evaluate[string](v.browser, "username.value"); name != "grace" {
			s.t.Errorf("the suggested user name is %q, want grace", name)
		}
		v.write("#name", "Grace Hopper")
		v.write("#password", "passwordpassword")
		if status := v.press("#create"); status != 400 {
			s.t.Errorf("status for a common password = %d, want 400", status)
		}
		v.check("invitation-error")
		v.write("#password", "seven unrelated words")
		v.press("#create")
		v.check("invitation-done")
		v.press("#continue")
		v.wantText("h1", "Hello Grace Hopper")
		if got := v.address(); got != s.issuer+"/account" {
			s.t.Errorf("the invitation ends at %s, want the account pages", got)
		}

		other := s.newTour()
		if status := other.open(link); status != 410 {
			s.t.Errorf("second status of the link = %d, want 410", status)
		}
		other.check("error-of-a-link")
		other.open(s.issuer + "/account")
		other.signIn(gracesAddress, "seven unrelated words")
		other.wantText("h1", "Hello Grace Hopper")
	})
}
