//go:build e2e

package e2e

import (
	"encoding/base32"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/totp"
)

// A user adds an authenticator app on the account pages, without an application, creates recovery
// codes, signs in with one of them, and removes the app.
func TestAuthenticatorAndRecoveryCodes(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	v := newTour(t)
	page, codesPage := server.issuer+"/account/authenticator", server.issuer+"/account/recovery-codes"

	v.open(page)
	v.signIn(server.username, server.password)
	v.wantText("h1", "Authenticator app")
	v.check("account-authenticator-enrol")
	v.write("#code", "000000")
	if status := v.press("#confirm"); status != 400 {
		t.Errorf("a wrong code: %d", status)
	}
	v.check("account-authenticator-error")
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(v.read("#secret"), " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	step := totp.Step(time.Now())
	v.write("#code", totp.Code(secret, step))
	v.write("#label", "My phone")
	v.press("#confirm")
	v.wantText(".authenticator", "My phone", "Not used yet")
	v.check("account-authenticator")

	v.press("#recovery-codes")
	v.check("account-recovery-codes-none")
	v.press("#generate")
	v.wantText("main", "You will not see them again")
	v.check("account-recovery-codes-new")
	codes := strings.Fields(evaluate[string](v.browser, `[...document.querySelectorAll(".recovery-code")].map(e => e.textContent).join(" ")`))
	if len(codes) != 10 {
		t.Fatalf("%d recovery codes, want 10", len(codes))
	}
	v.press("#done")
	v.wantText("#left", "10 codes are left")
	v.check("account-recovery-codes")

	other := newBrowser(t)
	other.open(codesPage)
	other.signIn(server.username, server.password)
	other.wantFocus("code")
	other.write("#code", totp.Code(secret, step))
	if status := other.press("#verify"); status != 403 {
		t.Errorf("the code that confirmed the enrolment: %d", status)
	}
	other.press("#other-way")
	other.write("#recovery-code", strings.ToLower(strings.ReplaceAll(codes[0], "-", " ")))
	other.press("#verify")
	other.wantText("#left", "9 codes are left")

	v.open(page)
	v.press("button[name=remove]")
	v.check("account-authenticator-remove")
	v.press("#confirm")
	v.wantNoElement(".authenticator")
	v.wantText("#secret", " ")
}
