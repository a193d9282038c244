//go:build e2e

package e2e

import "testing"

// A user deletes the account and undoes it: right away, after signing in again at an application,
// and with the link of the message.
func TestDeletedAccountIsKept(t *testing.T) {
	t.Parallel()
	eachEngine(t, nil, func(s *service) {
		v, other := s.newTour(), s.newTour()
		demoFlow{s.demo, s.username, s.password}.signIn(other.browser)
		v.open(s.issuer + "/account/delete")
		v.signIn(s.username, s.password)
		v.checkInEachLanguage("account-delete")
		v.write("#username", "grace")
		if status := v.press("#delete"); status != 400 {
			s.t.Errorf("status for another username = %d, want 400", status)
		}
		v.check("account-delete-error")
		v.write("#username", s.username)
		v.press("#delete")
		v.checkInEachLanguage("undo-deletion")
		link := s.link("/undo", adasAddress)
		other.press("#refresh")
		other.wantText("#demo-error-code", "invalid_grant")
		v.press("#undo")
		v.check("deletion-undone")
		if status := v.open(link); status != 410 {
			s.t.Errorf("status of the link after the deletion is undone = %d, want 410", status)
		}
		v.open(s.issuer + "/account")
		v.signIn(s.username, s.password)
		v.wantText("h1", "Hello Ada Lovelace")
		s.awaitNotice("is kept")

		s.deleteAccount(v)
		v.open(s.demo)
		v.press("#signin")
		v.signIn(s.username, s.password)
		v.press("#undo")
		v.wantText("h1", "Your account is kept")

		v.open(s.issuer + "/account/delete")
		v.signIn(s.username, s.password)
		v.openLink(s.deleteAccount(v))
		v.press("#undo")
		v.press("#continue")
		v.signIn(s.username, s.password)
		v.wantText("h1", "Hello Ada Lovelace")
	})
}

// deleteAccount deletes the account of Ada, who has just signed in, and returns the link that undoes
// it.
func (s *service) deleteAccount(v *tour) (undo string) {
	s.t.Helper()
	v.open(s.issuer + "/account/delete")
	v.write("#username", s.username)
	v.press("#delete")
	v.wantText("h1", "Your account will be deleted")
	return s.link("/undo", adasAddress)
}
