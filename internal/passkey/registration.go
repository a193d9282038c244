package passkey

import (
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"
)

// Mediation is how a browser asks the user for a new passkey.
type Mediation int

const (
	// Prompted shows the dialog of the browser.
	Prompted Mediation = iota
	// Conditional creates a passkey without a dialog, after the user signed in with a
	// password from the browser's password manager.
	//
	// Spec: Web Authentication Level 3 §5.1.3 (conditional mediation).
	Conditional
)

// BeginRegistration returns the options of a registration for u, who has the passkeys
// existing. The challenge is valid in the session with the hash of its cookie.
//
// Spec: Web Authentication Level 3 §5.4, §7.1.
func (rp *RelyingParty) BeginRegistration(u User, existing []*Passkey, cookieHash []byte, m Mediation) (Options, error) {
	var mediation protocol.CredentialMediationRequirement
	selection := rp.webauthn.Config.AuthenticatorSelection
	if m == Conditional {
		// There is no dialog in which the user could be verified.
		mediation, selection.UserVerification = protocol.MediationConditional, protocol.VerificationPreferred
	}
	return rp.beginRegistration(registration, sessionBinding(u.Subject, cookieHash), u, existing, mediation, webauthn.WithAuthenticatorSelection(selection))
}

// beginRegistration returns the options of a registration with a challenge of the kind and binding.
func (rp *RelyingParty) beginRegistration(
	kind, binding string, u User, existing []*Passkey, m protocol.CredentialMediationRequirement, options ...webauthn.RegistrationOption,
) (Options, error) {
	user := rp.holder(u)
	for _, p := range existing {
		user.credentials = append(user.credentials, p.credential())
	}
	creation, session, err := rp.webauthn.BeginMediatedRegistration(user, m, append(options,
		webauthn.WithExclusions(webauthn.Credentials(user.credentials).CredentialDescriptors()),
		webauthn.WithExtensions(webauthn.WithExtensionCredProps()),
		webauthn.WithCredentialParameters([]protocol.CredentialParameter{
			{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgEdDSA},
			{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgES256},
			{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgRS256},
		}))...)
	if err != nil {
		return Options{}, fmt.Errorf("begin registration: %w", err)
	}
	return rp.options(kind, binding, creation.Response, session)
}

// Registration is a verified registration, for the store to add.
type Registration struct {
	Passkey *Passkey
	Use     SessionChallenge
}

// SessionChallenge identifies a challenge that was issued in a session. It counts if it was
// issued after the last one that was used there.
type SessionChallenge struct {
	CookieHash []byte
	IssuedAt   int64 // microseconds
}

// VerifyRegistration verifies the JSON of a registration response and returns the new
// passkey. It returns [ErrInvalid] with the reason, or [ErrExpired]. The response need not
// prove the user's presence if the browser showed no dialog.
//
// Spec: Web Authentication Level 3 §7.1.
func (rp *RelyingParty) VerifyRegistration(state, response string, u User, cookieHash []byte) (*Registration, error) {
	p, issued, err := rp.verifyRegistration(registration, sessionBinding(u.Subject, cookieHash), state, response, u)
	if err != nil {
		return nil, err
	}
	return &Registration{p, SessionChallenge{cookieHash, issued.UnixMicro()}}, nil
}

// verifyRegistration is VerifyRegistration for a challenge of the kind and binding. It also returns
// when the challenge was issued.
func (rp *RelyingParty) verifyRegistration(kind, binding, state, response string, u User) (*Passkey, time.Time, error) {
	issued, session, err := rp.open(kind, binding, state)
	if err != nil {
		return nil, issued, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(response))
	if err != nil {
		return nil, issued, invalid(reason(err))
	}
	user := rp.holder(u)
	made, err := rp.webauthn.CreateCredential(user, session, parsed)
	if err != nil {
		return nil, issued, invalid(reason(err))
	}
	p := &Passkey{
		ID: made.ID, Subject: u.Subject, Handle: user.handle, RPID: rp.ID, Label: Maker(made.Authenticator.AAGUID),
		Key: Key{
			Version: 1, PublicKey: made.PublicKey, AAGUID: made.Authenticator.AAGUID, BackupEligible: made.Flags.BackupEligible,
			UserVerified: made.Flags.UserVerified, Attestation: made.AttestationFormat, Silent: session.Mediation == protocol.MediationConditional,
		},
		Counter: made.Authenticator.SignCount, BackedUp: made.Flags.BackupState, CreatedAt: rp.Now(),
	}
	for _, transport := range made.Transport {
		p.Key.Transports = append(p.Key.Transports, string(transport))
	}
	return p, issued, nil
}

func (rp *RelyingParty) holder(u User) *holder {
	user := &holder{handle: rp.Handle(u.Subject), name: u.Username, fullName: u.Name}
	if user.fullName == "" {
		user.fullName = u.Username
	}
	return user
}

// sessionBinding binds a challenge to a session and its account: a new session voids it.
func sessionBinding(subject string, cookieHash []byte) string {
	return fmt.Sprintf("%s %x", subject, cookieHash)
}
