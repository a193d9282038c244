//go:build e2e

package e2e

import (
	"context"
	"encoding/base64"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// authenticator is a virtual platform authenticator of a tab, such as a phone or a laptop. It
// verifies its user at once, and its passkeys are synchronized.
type authenticator struct {
	*browser

	id webauthn.AuthenticatorID
}

// addAuthenticator adds an authenticator to the tab.
func (p *browser) addAuthenticator() authenticator {
	p.t.Helper()
	p.do(command(webauthn.Enable, webauthn.EnableParams{}))
	added := runAction(p, call(webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: "ctap2", Transport: "internal", HasResidentKey: true, HasUserVerification: true, IsUserVerified: true,
		AutomaticPresenceSimulation: true, DefaultBackupEligibility: true, DefaultBackupState: true,
	}}))
	return authenticator{p, added.AuthenticatorID}
}

// presence makes the user react to requests of the browser, or not.
func (a authenticator) presence(reacts bool) {
	a.t.Helper()
	a.do(command(webauthn.SetAutomaticPresenceSimulation, webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: a.id, Enabled: reacts}))
}

// passkeys returns the passkeys of the authenticator.
func (a authenticator) passkeys() []*webauthn.Credential {
	a.t.Helper()
	return runAction(a.browser, call(webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: a.id})).Credentials
}

// add gives the authenticator a passkey of another one.
func (a authenticator) add(c *webauthn.Credential) {
	a.t.Helper()
	// The parameters of cdproto contain a member that the browser rejects even if it is false.
	add := cdp.Command[map[string]any, cdp.Empty]{Method: webauthn.CommandAddCredential}
	a.do(command(add, map[string]any{"authenticatorId": a.id, "credential": map[string]any{
		"credentialId": c.CredentialID, "isResidentCredential": true, "rpId": c.RpID, "privateKey": c.PrivateKey,
		"userHandle": c.UserHandle, "signCount": c.SignCount, "backupEligibility": true, "backupState": true,
	}}))
}

// remove takes the authenticator away.
func (a authenticator) remove() {
	a.t.Helper()
	a.do(command(webauthn.RemoveVirtualAuthenticator, webauthn.RemoveVirtualAuthenticatorParams{AuthenticatorID: a.id}))
}

// arrive waits until the script of a page has led to another one with the element.
func (p *browser) arrive(selector string) {
	p.t.Helper()
	ctx, stop := context.WithTimeout(p.tab, timeout)
	defer stop()
	if err := chromedp.Do(ctx, chromedp.WaitVisible(chromedp.CSS(selector))); err != nil {
		p.t.Fatalf("waiting for %s at %s: %v\n%s", selector, p.address(), err, p.read("body"))
	}
}

// The user creates a passkey after a password, and signs in with it by the button, and without a
// click from the name field.
func TestPasskey(t *testing.T) {
	t.Parallel()
	eachEngine(t, nil, testPasskey)
}

func testPasskey(server *service) {
	t, v := server.t, server.newTour()
	phone := v.addAuthenticator()
	phone.presence(false) // else the page in the name field answers at once

	v.open(server.demo)
	v.press("#signin")
	v.arrive("#passkey")
	v.check("sign-in-passkey")
	v.signIn(server.username, server.password)
	v.arrive("#later")
	v.wantText("h1", "Sign in faster next time")
	v.check("passkey-create")
	phone.presence(true)
	v.click("#passkey")
	v.arrive("#accept")
	v.press("#accept")
	v.wantText("#greeting", "Hello, Ada Lovelace")
	if claims := v.claims(); claims["acr"] == "phr" {
		t.Errorf("acr after a password = %v", claims["acr"])
	}
	made := phone.passkeys()
	if len(made) != 1 || made[0].RpID != "localhost" || made[0].UserName != server.username || len(made[0].UserHandle) != 32 {
		t.Fatalf("the authenticator has %+v, want a passkey of the user at localhost", made)
	}

	other := newBrowser(t)
	key := other.addAuthenticator()
	key.presence(false)
	key.add(made[0])
	other.open(server.demo)
	other.press("#signin")
	other.arrive("#passkey")
	key.presence(true)
	other.click("#passkey")
	other.arrive("#accept")
	other.press("#accept")
	checkPasskeyClaims(t, other.claims())

	conditional := newBrowser(t)
	key = conditional.addAuthenticator()
	key.add(made[0])
	conditional.open(server.demo)
	conditional.click("#signin") // the name field gets the passkey at once
	conditional.arrive("#accept")
	conditional.press("#accept")
	checkPasskeyClaims(t, conditional.claims())
}

func checkPasskeyClaims(t *testing.T, claims map[string]any) {
	t.Helper()
	amr, _ := claims["amr"].([]any)
	if claims["acr"] != "phr" || !slices.Equal(amr, []any{"pop", "user", "mfa", "swk"}) {
		t.Errorf("acr = %v, amr = %v; want those of a synchronized passkey", claims["acr"], claims["amr"])
	}
}

// The page that offers a passkey is shown once, and "Not now" continues.
func TestPasskeyLater(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	for i, want := range []string{"#later", "#accept"} {
		p := newBrowser(t)
		p.addAuthenticator().presence(false)
		p.open(server.demo)
		p.press("#signin")
		p.arrive("#passkey")
		p.signIn(server.username, server.password)
		p.arrive(want)
		if i == 0 {
			p.press("#later")
			p.arrive("#accept")
		}
	}
}

// Without an authenticator the button is there, and says what to do when no passkey was used.
func TestPasskeyButtonWithoutPasskey(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	v := newTour(t, english)
	key := v.addAuthenticator()
	key.presence(false)
	v.open(server.demo)
	v.press("#signin")
	v.arrive("#passkey")
	key.presence(true)
	v.click("#passkey")
	v.wantText("#passkey-fault", "No passkey was used")
	v.check("sign-in-passkey-failed")
	v.signIn(server.username, server.password)
	v.arrive("#later")
}

// Without script there is no button; a sentence says why.
func TestPasskeyWithoutScript(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	p := newBrowser(t)
	p.disableScript()
	p.open(server.demo)
	p.press("#signin")
	p.wantText("main", "needs JavaScript")
	if evaluate[bool](p, "document.getElementById('passkey').checkVisibility()") {
		t.Error("the button is visible without script")
	}
	p.signIn(server.username, server.password)
	p.wantText("h1", "wants to access your account")
}

// A user has a passkey on the phone and one on the laptop, loses the phone, and removes its passkey,
// which no longer signs in.
func TestLostPasskey(t *testing.T) {
	t.Parallel()
	eachEngine(t, nil, func(s *service) {
		v, page := s.newTour(), s.issuer+"/account/passkeys"
		v.open(page)
		v.signIn(s.username, s.password)
		phone := v.addAuthenticator()
		v.click("#add-passkey")
		v.arrive(".passkey")
		lost := phone.passkeys()[0]
		s.awaitNotice("New way to sign in")

		v.press("a#add-passkey") // signs in with the passkey first
		v.arrive("#passkey")
		v.checkInEachLanguage("second-factor-passkey")
		v.click("#passkey")
		v.arrive("button#add-passkey")
		phone.remove()
		laptop := v.addAuthenticator()
		v.click("#add-passkey")
		v.arrive(".passkey + .passkey")
		v.checkInEachLanguage("account-passkeys-two")
		kept := laptop.passkeys()[0]

		other := s.newTour()
		key := other.addAuthenticator()
		key.add(kept)
		other.open(page) // signs in from the name field
		other.arrive(".passkey + .passkey")
		other.press("[data-id='" + base64.RawURLEncoding.EncodeToString(lost.CredentialID) + "'] button[name=remove]")
		other.check("account-passkeys-remove")
		other.press("#confirm")
		other.arrive(".passkey")
		other.wantNoElement(".passkey + .passkey")
		s.awaitNotice("Removed from your")

		s.mustReject(lost)
	})
}

// A user loses the phone with the only passkey, signs in with the password and a recovery code, and
// replaces the passkey.
func TestLostOnlyPasskey(t *testing.T) {
	t.Parallel()
	eachEngine(t, nil, func(s *service) {
		v, page := s.newTour(), s.issuer+"/account/passkeys"
		v.open(page)
		v.signIn(s.username, s.password)
		phone := v.addAuthenticator()
		v.click("#add-passkey")
		v.arrive(".passkey")
		lost := phone.passkeys()[0]
		v.open(s.issuer + "/account/recovery-codes")
		v.press("#generate") // signs in with the passkey first
		v.arrive("#passkey")
		v.click("#passkey")
		v.arrive("#generate")
		v.press("#generate")
		codes := v.recoveryCodes()

		other := s.newTour()
		other.open(page)
		other.signIn(s.username, s.password)
		other.press("#other-way")
		other.write("#recovery-code", codes[0])
		other.press("#verify")
		other.press("a#add-passkey") // needs the passkey
		other.check("second-factor-lost-passkeys")
		other.press("#lost-passkeys")
		other.wantText("main", "no longer sign in")
		other.checkInEachLanguage("account-passkeys-lost")
		other.press("#confirm")
		other.wantNoElement(".passkey")
		s.awaitNotice("Removed from your")
		other.addAuthenticator()
		other.arrive("button#add-passkey")
		other.click("#add-passkey")
		other.arrive(".passkey")
		s.mustReject(lost)
	})
}

// mustReject fails the test unless a passkey does not sign in.
func (s *service) mustReject(passkey *webauthn.Credential) {
	s.t.Helper()
	thief := s.newTour()
	thief.expect("/login/passkey", 401)
	key := thief.addAuthenticator()
	key.presence(false)
	key.add(passkey)
	thief.open(s.issuer + "/account/passkeys")
	thief.arrive("#passkey")
	key.presence(true)
	thief.click("#passkey")
	thief.arrive("#passkey-fault")
	thief.check("sign-in-passkey-removed")
}
