//go:build e2e

package e2e

import "testing"

// A user whose organisation requires a second factor sets one up on the way to the application,
// and is asked for it at the next sign-in.
func TestSecondFactor(t *testing.T) {
	t.Parallel()
	eachEngine(t, map[string]string{"SECOND_FACTOR": "required"}, testSecondFactor)
}

func testSecondFactor(server *service) {
	t, v := server.t, server.newTour()

	v.open(server.demo)
	v.press("#signin")
	v.signIn(server.username, server.password)
	v.wantText("main", "7 days", "Not now")
	v.checkInEachLanguage("second-factor-offer")
	v.press("#enrol")
	v.checkInEachLanguage("second-factor-enrol")
	v.write("#code", "000000")
	if status := v.press("#confirm"); status != 403 {
		t.Errorf("a wrong first code: %d", status)
	}
	v.check("second-factor-enrol-error")
	app := v.authenticatorApp()
	confirmed := app.code()
	v.write("#code", confirmed)
	v.press("#confirm")
	v.press("#accept")
	if claims := v.claims(); claims["acr"] != "2" {
		t.Errorf("acr %v, want 2", claims["acr"])
	}

	v.press("#signout")
	v.press("#again")
	v.press("#signin")
	v.signIn(server.username, server.password)
	v.wantFocus("code")
	v.checkInEachLanguage("second-factor")
	v.write("#code", confirmed)
	if status := v.press("#verify"); status != 403 {
		t.Errorf("a code that was used before: %d", status)
	}
	v.check("second-factor-error")
	v.write("#code", app.code())
	v.press("#verify")
	v.press("#accept")
	v.wantText("#greeting", "Hello, Ada Lovelace")
}
