//go:build e2e

package e2e

import "testing"

// A user completes the profile with an attribute that users must have, sees one that administrators
// keep, and applications read both.
func TestProfile(t *testing.T) {
	t.Parallel()
	eachEngine(t, nil, func(s *service) {
		s.command("attributes", "create", "team", "--title", "Your team", "--editable-by", "user", "--required", "--scope", "profile")
		s.command("attributes", "create", "desk", "--visible-to", "user", "--scope", "profile")
		s.command("users", "update", s.username, "--attribute", "desk=12B")
		v := s.newTour()
		v.open(s.issuer + "/account")
		v.signIn(s.username, s.password)
		v.check("account-overview-attribute")
		v.press(".todo a[href$='/account/profile']")
		v.wantText("dl", "desk", "12B")
		v.wantNoElement("#attribute-desk")
		v.checkInEachLanguage("account-profile-attributes")
		v.write("#attribute-team", "Analytical Engine")
		v.write("#picture", "http://pictures.example/ada.png")
		if status := v.press("#save"); status != 400 {
			s.t.Errorf("status for a picture without TLS = %d, want 400", status)
		}
		v.wantText("#faults", "https")
		v.check("account-profile-error")
		v.write("#picture", "https://pictures.example/ada.png")
		v.press("#save")
		v.wantText("#status", "Your profile is saved")
		v.press(".bar .home")
		v.wantNoElement(".todo a[href$='/account/profile']")

		v.open(s.demo)
		v.press("#signin")
		v.press("#accept")
		userinfo := decode(v.browser, v.read("#userinfo"))
		for claim, want := range map[string]string{"team": "Analytical Engine", "desk": "12B", "picture": "https://pictures.example/ada.png"} {
			if userinfo[claim] != want {
				s.t.Errorf("%s at userinfo = %v, want %q", claim, userinfo[claim], want)
			}
		}
	})
}
