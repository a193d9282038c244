//go:build e2e

package e2e

import "testing"

// An administrator locks an account down: its sessions, its tokens and its links end, and its
// password is refused until the account is unlocked.
func TestLockdown(t *testing.T) {
	t.Parallel()
	eachEngine(t, nil, func(s *service) {
		v, other := s.newTour(), s.newTour()
		demoFlow{s.demo, s.username, s.password}.signIn(v.browser)
		other.open(s.demo)
		other.press("#signin")
		other.press("#forgot")
		other.write("#email", adasAddress)
		other.press("#send")
		link := s.link("/recover", adasAddress)

		s.command("users", "lock", s.username)
		s.awaitNotice("is locked")
		v.press("#refresh")
		v.wantText("#demo-error-code", "invalid_grant")
		if status := other.open(link); status != 410 {
			s.t.Errorf("status of the link = %d, want 410", status)
		}
		v.open(s.issuer + "/account")
		if status := v.signIn(s.username, s.password); status != 403 {
			s.t.Errorf("status of the sign-in = %d, want 403", status)
		}
		v.check("sign-in-locked")

		s.command("users", "unlock", s.username)
		v.signIn(s.username, s.password)
		v.wantText("h1", "Hello Ada Lovelace")
	})
}
