//go:build e2e

package e2e

import (
	"encoding/base32"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/totp"
)

// A user whose organisation requires a second factor sets one up on the way to the application,
// and is asked for it at the next sign-in.
func TestSecondFactor(t *testing.T) {
	t.Parallel()
	server := startDev(t, "--set", "second_factor=required")
	v := newTour(t)

	v.open(server.demo)
	v.press("#signin")
	v.signIn(server.username, server.password)
	v.wantText("main", "7 days", "Not now")
	v.check("second-factor-offer")
	v.press("#enrol")
	v.check("second-factor-enrol")
	v.write("#code", "000000")
	if status := v.press("#confirm"); status != 403 {
		t.Errorf("a wrong first code: %d", status)
	}
	v.check("second-factor-enrol-error")
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(v.read("#secret"), " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	step := totp.Step(time.Now())
	v.write("#code", totp.Code(secret, step))
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
	v.check("second-factor")
	v.write("#code", totp.Code(secret, step))
	if status := v.press("#verify"); status != 403 {
		t.Errorf("a code that was used before: %d", status)
	}
	v.check("second-factor-error")
	v.write("#code", totp.Code(secret, step+1))
	v.press("#verify")
	v.press("#accept")
	v.wantText("#greeting", "Hello, Demo Person")
}
