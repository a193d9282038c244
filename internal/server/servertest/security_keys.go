package servertest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/descope/virtualwebauthn"
)

// NewSecurityKey returns an authenticator that neither stores a credential nor verifies its user.
func NewSecurityKey(s *Server) *Authenticator {
	a := NewAuthenticator(s)
	a.Options.UserNotVerified = true
	return a
}

// SecurityKeyRegistrationForm returns the form of the account page that adds a security key, with
// the response of the authenticator. The test stops if there are no options on the page.
func SecurityKeyRegistrationForm(tb testing.TB, page Response, with *Authenticator) url.Values {
	tb.Helper()
	const id = "security-key-create"
	_, body, _ := strings.Cut(page.Body, `<form id="`+id+`"`)
	page.Body = `<form id="` + id + `"` + body
	options, err := virtualwebauthn.ParseAttestationOptions(page.Attribute("data-options", func(a map[string]string) bool { return a["id"] == id }))
	if err != nil {
		tb.Fatalf("options: %v\n%d %s", err, page.Status, page.Body)
	}
	return url.Values{
		"kind": {page.HiddenField("kind")}, "state": {page.HiddenField("state")},
		"credential": {virtualwebauthn.CreateAttestationResponse(with.Party, with.Authenticator, with.Passkey, *options)},
	}
}

// AddSecurityKey adds a security key to the account of a user who has just signed in.
func (b *Browser) AddSecurityKey(with *Authenticator) {
	b.Server.TB.Helper()
	p := b.Post("/account/passkeys", SecurityKeyRegistrationForm(b.Server.TB, b.Get("/account/passkeys"), with))
	if p.Status != http.StatusSeeOther {
		b.Server.TB.Fatalf("add security key: %d\n%s", p.Status, p.Body)
	}
}

// SecurityKeyOptions gets the options of a second factor for the request.
func (b *Browser) SecurityKeyOptions(requestID string) Response {
	b.Server.TB.Helper()
	return b.Post("/login/security-key/options", url.Values{"request": {requestID}})
}

// SecurityKeyForm gets the options of a second factor for the request and returns the form with
// the response of the authenticator.
func (b *Browser) SecurityKeyForm(requestID string, with *Authenticator) url.Values {
	b.Server.TB.Helper()
	p := b.SecurityKeyOptions(requestID)
	options, err := virtualwebauthn.ParseAssertionOptions(p.Body)
	if err != nil || p.Status != http.StatusOK {
		b.Server.TB.Fatalf("options: %d %v\n%s", p.Status, err, p.Body)
	}
	return url.Values{
		"request": {requestID}, "state": {Text(p.JSON(b.Server.TB)["state"])},
		"credential": {virtualwebauthn.CreateAssertionResponse(with.Party, with.Authenticator, with.Passkey, *options)},
	}
}

// SubmitSecurityKey proves a second factor for the request.
func (b *Browser) SubmitSecurityKey(requestID string, with *Authenticator) Response {
	b.Server.TB.Helper()
	return b.Post("/login/security-key", b.SecurityKeyForm(requestID, with))
}
