package servertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/descope/virtualwebauthn"
)

// Authenticator is a virtual authenticator with at most one passkey.
type Authenticator struct {
	virtualwebauthn.Authenticator
	Passkey virtualwebauthn.Credential
	// Party is what the browser reports: a test changes it for a wrong origin or RP ID.
	Party virtualwebauthn.RelyingParty
}

// NewAuthenticator returns an authenticator with a new key, in a browser that has opened the
// server.
func NewAuthenticator(s *Server) *Authenticator {
	return &Authenticator{
		Authenticator: virtualwebauthn.NewAuthenticator(), Passkey: newCredential(s.TB),
		Party: virtualwebauthn.RelyingParty{Name: "Ostiary", ID: "localhost", Origin: s.Config.Origin()},
	}
}

// newCredential returns a new P-256 key. virtualwebauthn omits leading zeros of coordinates, which a
// COSE key must have (RFC 9053 section 7.1.1), so keys with such coordinates are not used.
func newCredential(tb testing.TB) virtualwebauthn.Credential {
	tb.Helper()
	for {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			tb.Fatal(err)
		}
		point, err := key.PublicKey.Bytes()
		if err != nil {
			tb.Fatal(err)
		}
		if point[1] == 0 || point[33] == 0 {
			continue
		}
		data, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			tb.Fatal(err)
		}
		return virtualwebauthn.NewCredentialWithImportedKey(virtualwebauthn.KeyTypeEC2, data)
	}
}

// BeginSignIn sends an authorization request and returns the ID under which it waits for the user.
func (b *Browser) BeginSignIn(changes ...string) (requestID string) {
	b.Server.TB.Helper()
	p := b.Get("/oauth2/auth?" + AuthorizationRequest(changes...).Encode())
	id := p.Location().Query().Get("request")
	if id == "" {
		b.Server.TB.Fatalf("the authorization request is not at the sign-in page: %d %s", p.Status, p.Body)
	}
	return id
}

// SubmitPassword submits the sign-in page of a request for a user with [Password], and reports what
// the browser can do with passkeys: "silent", "page" or nothing.
func (b *Browser) SubmitPassword(requestID, username, can string) Response {
	b.Server.TB.Helper()
	return b.Post("/login", url.Values{"request": {requestID}, "username": {username}, "password": {Password}, "passkey": {can}})
}

// CreatePasskey opens the page that p redirects to and creates a passkey there. The test stops if p
// redirects elsewhere.
func (b *Browser) CreatePasskey(p Response, with *Authenticator) Response {
	b.Server.TB.Helper()
	if !strings.Contains(p.Header.Get("Location"), "/login/passkey/create?") {
		b.Server.TB.Fatalf("answer %d to %q, want the page that creates a passkey\n%s", p.Status, p.Header.Get("Location"), p.Body)
	}
	return b.Post("/login/passkey/create", RegistrationForm(b.Server.TB, b.Get(p.Header.Get("Location")), with))
}

// RegistrationForm returns the form of a page that creates a passkey, with the response of an
// authenticator. The test stops if there are no options on the page.
func RegistrationForm(tb testing.TB, page Response, with *Authenticator) url.Values {
	tb.Helper()
	return registrationForm(tb, page, with, "data-options", page.HiddenField("state"), "")
}

// SilentRegistrationForm is [RegistrationForm] for a browser that shows no dialog.
func SilentRegistrationForm(tb testing.TB, page Response, with *Authenticator) url.Values {
	tb.Helper()
	state := page.Attribute("data-silent-state", func(a map[string]string) bool { return a["id"] == "passkey-create" })
	return registrationForm(tb, page, with, "data-silent-options", state, "silent")
}

func registrationForm(tb testing.TB, page Response, with *Authenticator, from, state, mode string) url.Values {
	tb.Helper()
	options, err := virtualwebauthn.ParseAttestationOptions(page.Attribute(from, func(a map[string]string) bool { return a["id"] == "passkey-create" }))
	if err != nil {
		tb.Fatalf("options: %v\n%d %s", err, page.Status, page.Body)
	}
	with.Options.UserHandle = []byte(options.UserID)
	return url.Values{
		"request": {page.HiddenField("request")}, "state": {state}, "mode": {mode},
		"credential": {virtualwebauthn.CreateAttestationResponse(with.Party, with.Authenticator, with.Passkey, *options)},
	}
}

// AddPasskey signs the user in with a password in a new browser, and creates a passkey.
func AddPasskey(s *Server, username string) *Authenticator {
	s.TB.Helper()
	b, with := s.NewBrowser(), NewAuthenticator(s)
	if p := b.CreatePasskey(b.SubmitPassword(b.BeginSignIn(), username, "page"), with); p.Status != http.StatusSeeOther || !strings.Contains(p.Header.Get("Location"), "/oauth2/auth?continue=") {
		s.TB.Fatalf("create passkey: %d to %q\n%s", p.Status, p.Header.Get("Location"), p.Body)
	}
	return with
}

// PasskeyForm gets the options of a sign-in for the request and returns the form with the response
// of the authenticator.
func (b *Browser) PasskeyForm(requestID string, with *Authenticator) url.Values {
	b.Server.TB.Helper()
	p := b.Post("/login/passkey/options", url.Values{"request": {requestID}})
	options, err := virtualwebauthn.ParseAssertionOptions(p.Body)
	if err != nil || p.Status != http.StatusOK {
		b.Server.TB.Fatalf("options: %d %v\n%s", p.Status, err, p.Body)
	}
	return url.Values{
		"request": {requestID}, "state": {Text(p.JSON(b.Server.TB)["state"])},
		"credential": {virtualwebauthn.CreateAssertionResponse(with.Party, with.Authenticator, with.Passkey, *options)},
	}
}

// SignInWithPasskey signs in for the request with the passkey of the authenticator.
func (b *Browser) SignInWithPasskey(requestID string, with *Authenticator) Response {
	b.Server.TB.Helper()
	return b.Post("/login/passkey", b.PasskeyForm(requestID, with))
}

// Origin returns the URL of the server.
func Origin(s *Server) *url.URL {
	s.TB.Helper()
	u, err := url.Parse(s.URL)
	if err != nil {
		s.TB.Fatal(err)
	}
	return u
}
