//go:build e2e

package e2e

import "testing"

// A new user accepts the terms of the operator at sign-up. A user who has an account without them is
// asked at the next sign-in, declines, and accepts later.
func TestTerms(t *testing.T) {
	t.Parallel()
	eachEngine(t, map[string]string{"TERMS_URL": "https://example.com/terms", "TERMS_VERSION": "2026-11"}, func(s *service) {
		v, ada := s.newTour(), s.newTour()
		v.open(s.demo)
		v.press("#create-account")
		v.checkInEachLanguage("sign-up-terms")
		v.click("#terms")
		v.createAccount("seven unrelated words")
		v.openLink(s.link("/verify", gracesAddress))
		v.press("#confirm")
		v.press("#accept")
		v.wantText("#greeting", "Hello, Grace Hopper")

		ada.open(s.issuer + "/account")
		ada.signIn(s.username, s.password)
		ada.wantText("h1", "Terms of service")
		ada.wantText("main", "2026-11")
		ada.checkInEachLanguage("accept-terms")
		ada.press("#cancel")
		ada.open(s.issuer + "/account")
		ada.wantFocus("username") // signed out
		ada.signIn(s.username, s.password)
		ada.press("#accept")
		ada.wantText("h1", "Hello Ada Lovelace")
		ada.open(s.demo)
		ada.press("#signin")
		ada.wantText("h1", "wants to access your account") // not asked again
	})
}
