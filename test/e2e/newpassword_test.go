//go:build e2e

package e2e

import "testing"

// A user who must change the password does so on the way to an application.
func TestPasswordMustChange(t *testing.T) {
	t.Parallel()
	eachEngine(t, nil, func(s *service) {
		const renewed = "eleven unrelated apple words"
		s.command("users", "update", s.username, "--state", "must_change_password")
		v := s.newTour()
		v.open(s.demo)
		v.press("#signin")
		v.signIn(s.username, s.password)
		v.checkInEachLanguage("new-password")
		v.write("#new-password", s.password)
		if status := v.press("#save"); status != 400 {
			s.t.Errorf("status for the same password = %d, want 400", status)
		}
		v.check("new-password-error")
		v.write("#new-password", renewed)
		v.press("#save")
		v.press("#accept")
		v.wantText("#greeting", "Hello, Ada Lovelace")

		v.press("#signout")
		v.press("#again")
		v.press("#signin")
		v.signIn(s.username, renewed)
		v.wantText(".user", "Ada Lovelace") // no page of a new password
	})
}
