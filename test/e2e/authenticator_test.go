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
	eachEngine(t, nil, testAuthenticatorAndRecoveryCodes)
}

func testAuthenticatorAndRecoveryCodes(server *service) {
	t, v := server.t, server.newTour()
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
	app := v.authenticatorApp()
	confirmed := app.code()
	v.write("#code", confirmed)
	v.write("#label", "My phone")
	v.press("#confirm")
	v.wantText(".authenticator", "My phone", "Not used yet")
	v.check("account-authenticator")

	v.press("#recovery-codes")
	v.check("account-recovery-codes-none")
	v.press("#generate")
	v.wantText("main", "You will not see them again")
	v.check("account-recovery-codes-new")
	codes := v.recoveryCodes()
	if len(codes) != 10 {
		t.Fatalf("%d recovery codes, want 10", len(codes))
	}
	v.press("#done")
	v.wantText("#left", "10 codes are left")
	v.check("account-recovery-codes")

	other := server.newTour()
	other.open(codesPage)
	other.signIn(server.username, server.password)
	other.wantFocus("code")
	other.write("#code", confirmed)
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

// authenticatorApp is an authenticator app of a user.
type authenticatorApp struct {
	secret []byte
	last   int64 // the step of the last code
}

// authenticatorApp returns an app with the secret that the page shows.
func (p *browser) authenticatorApp() *authenticatorApp {
	p.t.Helper()
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(p.read("#secret"), " ", ""))
	if err != nil {
		p.t.Fatal(err)
	}
	return &authenticatorApp{secret: secret}
}

// code returns a code that no call has returned before. The server accepts that of the next 30
// seconds too.
func (a *authenticatorApp) code() string {
	a.last = max(totp.Step(time.Now()), a.last+1)
	return totp.Code(a.secret, a.last)
}

// recoveryCodes returns the codes that the page shows.
func (p *browser) recoveryCodes() []string {
	p.t.Helper()
	return evaluate[[]string](p, `[...document.querySelectorAll(".recovery-code")].map(e => e.textContent)`)
}
