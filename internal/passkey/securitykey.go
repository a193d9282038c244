package passkey

import (
	"errors"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// defaultKeyLabel is the name of a security key whose maker is unknown.
const defaultKeyLabel = "Security key"

// BeginSecurityKeyRegistration returns the options of a registration of a security key, which
// becomes a second factor of u, who has the passkeys existing: the key need not store a
// credential, nor verify the user. The challenge is valid in the session with the hash of its
// cookie.
//
// Spec: Web Authentication Level 3 §5.4, §5.8.7 (hints).
func (rp *RelyingParty) BeginSecurityKeyRegistration(u User, existing []*Passkey, cookieHash []byte) (Options, error) {
	resident := false
	return rp.beginRegistration(securityKeyRegistration, sessionBinding(u.Subject, cookieHash), u, existing, protocol.MediationDefault,
		webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{
			AuthenticatorAttachment: protocol.CrossPlatform, // for browsers without hints
			ResidentKey:             protocol.ResidentKeyRequirementDiscouraged, RequireResidentKey: &resident,
			UserVerification: protocol.VerificationDiscouraged,
		}),
		webauthn.WithPublicKeyCredentialHints([]protocol.PublicKeyCredentialHints{protocol.PublicKeyCredentialHintSecurityKey}))
}

// VerifySecurityKeyRegistration is [RelyingParty.VerifyRegistration] for a security key.
func (rp *RelyingParty) VerifySecurityKeyRegistration(state, response string, u User, cookieHash []byte) (*Registration, error) {
	p, issued, err := rp.verifyRegistration(securityKeyRegistration, sessionBinding(u.Subject, cookieHash), state, response, u)
	if err != nil {
		return nil, err
	}
	p.Key.SecondFactorOnly = true
	if p.Label == defaultLabel {
		p.Label = defaultKeyLabel
	}
	return &Registration{p, SessionChallenge{cookieHash, issued.UnixMicro()}}, nil
}

// SplitKeys returns the usable passkeys of the list, and the usable security keys.
func (rp *RelyingParty) SplitKeys(list []*Passkey) (passkeys, keys []*Passkey) {
	for _, p := range rp.Usable(list) {
		if p.StandsAlone() {
			passkeys = append(passkeys, p)
		} else {
			keys = append(keys, p)
		}
	}
	return passkeys, keys
}

// BeginSecondFactor returns the options for the authorization request with the ID, whose user has
// proven another factor: one of the keys answers it.
//
// Spec: Web Authentication Level 3 §5.5, §7.2.
func (rp *RelyingParty) BeginSecondFactor(requestID string, keys []*Passkey) (Options, error) {
	if len(keys) == 0 {
		return Options{}, ErrUnknown
	}
	assertion, session, err := rp.webauthn.BeginLogin(holderOf(keys), webauthn.WithUserVerification(protocol.VerificationDiscouraged),
		webauthn.WithAssertionPublicKeyCredentialHints([]protocol.PublicKeyCredentialHints{protocol.PublicKeyCredentialHintSecurityKey}))
	if err != nil {
		return Options{}, fmt.Errorf("begin second factor: %w", err)
	}
	return rp.options(secondFactor, requestID, assertion.Response, session)
}

// VerifySecondFactor verifies a response of one of the keys as [RelyingParty.VerifySignIn] does,
// except that it need not verify the user.
//
// Spec: Web Authentication Level 3 §7.2.
func (rp *RelyingParty) VerifySecondFactor(state, requestID string, a *Assertion, keys []*Passkey) (*Use, error) {
	issued, session, err := rp.open(secondFactor, requestID, state)
	if err != nil {
		return nil, err
	}
	for _, p := range keys {
		if string(p.ID) != string(a.CredentialID()) {
			continue
		}
		used, err := rp.webauthn.ValidateLogin(holderOf(keys), session, a.parsed)
		if err != nil {
			return nil, invalid(reason(err))
		}
		return rp.use(p, used, issued), nil
	}
	return nil, invalid(errors.New("the user has no such security key"))
}

// holderOf returns the user of the keys, of which there is one at least.
func holderOf(keys []*Passkey) *holder {
	user := &holder{handle: keys[0].Handle}
	for _, p := range keys {
		user.credentials = append(user.credentials, p.credential())
	}
	return user
}

// SecondFactorAMR returns the authentication methods that the key adds to another factor.
//
// Spec: RFC 8176 §2 (user: its user was present).
func (p *Passkey) SecondFactorAMR() []string { return []string{"pop", "user", p.keyMethod(), "mfa"} }
