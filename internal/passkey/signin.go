package passkey

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// Options are the options of a ceremony, for navigator.credentials, and the sealed challenge
// that the page returns with the response.
type Options struct {
	JSON  json.RawMessage
	State string
}

// BeginSignIn returns the options of a sign-in for the authorization request with the ID.
// They are the same for all users: no credential is listed.
//
// Spec: Web Authentication Level 3 §5.5, §7.2.
func (rp *RelyingParty) BeginSignIn(requestID string) (Options, error) {
	assertion, session, err := rp.webauthn.BeginDiscoverableLogin()
	if err != nil {
		return Options{}, fmt.Errorf("begin sign-in: %w", err)
	}
	return rp.options(signIn, requestID, assertion.Response, session)
}

func (rp *RelyingParty) options(kind, binding string, options any, session *webauthn.SessionData) (Options, error) {
	text, err := json.Marshal(options)
	if err != nil {
		return Options{}, fmt.Errorf("write options: %w", err)
	}
	state, err := rp.seal(kind, binding, session)
	return Options{text, state}, err
}

// Assertion is a response that was parsed and not verified.
type Assertion struct {
	parsed *protocol.ParsedCredentialAssertionData
}

// ParseAssertion parses the JSON of an authentication response. It returns [ErrInvalid] if
// it is malformed.
//
// Spec: Web Authentication Level 3 §5.1 (AuthenticationResponseJSON).
func ParseAssertion(response string) (*Assertion, error) {
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(response))
	if err != nil {
		return nil, invalid(err)
	}
	return &Assertion{parsed}, nil
}

// CredentialID returns the ID of the passkey that the response claims to be of.
func (a *Assertion) CredentialID() []byte { return a.parsed.RawID }

// Handle returns the user handle of the response, nil if there is none.
func (a *Assertion) Handle() []byte { return a.parsed.Response.UserHandle }

// VerifySignIn verifies a response for the authorization request with the ID: type,
// challenge, origin, RP ID, user presence and verification, backup flags, user handle and
// signature. It returns [ErrInvalid] with the reason, or [ErrExpired]. The store decides
// whether the challenge was used before.
//
// A counter that did not increase is no error: the user may have restored a device. Use
// reports it.
//
// Spec: Web Authentication Level 3 §7.2.
func (rp *RelyingParty) VerifySignIn(state, requestID string, a *Assertion, p *Passkey) (*Use, error) {
	issued, session, err := rp.open(signIn, requestID, state)
	if err != nil {
		return nil, err
	}
	if !p.StandsAlone() {
		return nil, invalid(errors.New("a security key is a second factor only"))
	}
	find := func(_, _ []byte) (webauthn.User, error) {
		return &holder{handle: p.Handle, credentials: []webauthn.Credential{p.credential()}}, nil
	}
	_, used, err := rp.webauthn.ValidatePasskeyLogin(find, session, a.parsed)
	if err != nil {
		return nil, invalid(reason(err))
	}
	return rp.use(p, used, issued), nil
}

func (rp *RelyingParty) use(p *Passkey, used *webauthn.Credential, issued time.Time) *Use {
	return &Use{
		Passkey: p, IssuedAt: issued, At: rp.Now(),
		Counter: used.Authenticator.SignCount, CounterBack: used.Authenticator.CloneWarning, BackedUp: used.Flags.BackupState,
	}
}

// reason adds the details that go-webauthn has for developers.
func reason(err error) error {
	if e, ok := err.(*protocol.Error); ok && e.DevInfo != "" { //nolint:errorlint // the outermost one has the details
		return fmt.Errorf("%w: %s", e, e.DevInfo)
	}
	return err
}
