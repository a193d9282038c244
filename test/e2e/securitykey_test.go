//go:build e2e

package e2e

import (
	"slices"
	"testing"

	"github.com/chromedp/cdproto/webauthn"
)

// addSecurityKey adds a security key to the tab that neither stores a credential nor verifies its
// user.
func (p *browser) addSecurityKey() authenticator {
	p.t.Helper()
	p.do(command(webauthn.Enable, webauthn.EnableParams{}))
	added := runAction(p, call(webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: "ctap2", Transport: "usb", AutomaticPresenceSimulation: true,
	}}))
	return authenticator{p, added.AuthenticatorID}
}

// A user adds a security key that cannot hold a passkey, and uses it after the password.
func TestSecurityKey(t *testing.T) {
	t.Parallel()
	eachEngine(t, nil, testSecurityKey)
}

func testSecurityKey(server *service) {
	t, v := server.t, server.newTour()
	key := v.addSecurityKey()
	v.open(server.issuer + "/account/passkeys")
	v.signIn(server.username, server.password)
	v.arrive("button#add-security-key")
	v.check("account-security-key")
	v.click("#add-security-key")
	v.arrive(".passkey")
	if made := key.passkeys(); len(made) != 1 || made[0].IsResidentCredential {
		t.Fatalf("the security key has %+v, want a credential that it does not store", made)
	}
	v.check("account-security-keys")
	server.awaitNotice("New way to sign in")

	v.open(server.demo)
	v.press("#signin")
	v.press("#accept")
	v.press("#signout")
	v.press("#again")
	v.press("#signin")
	v.signIn(server.username, server.password)
	v.arrive("#security-key")
	v.checkInEachLanguage("second-factor-security-key")
	v.click("#security-key")
	v.arrive("#accept")
	v.press("#accept")
	claims := v.claims()
	if amr, _ := claims["amr"].([]any); claims["acr"] != "2" || !slices.Equal(amr, []any{"pwd", "pop", "user", "hwk", "mfa"}) {
		t.Errorf("acr = %v, amr = %v; want a password and a security key", claims["acr"], claims["amr"])
	}
}
