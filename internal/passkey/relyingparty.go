package passkey

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/ostiary/ostiary/internal/keyring"
)

// Config configures a [RelyingParty].
type Config struct {
	ID      string   // relying party ID: the host of the issuer or a parent domain
	Origins []string // of the issuer and of related hosts: responses of others are not accepted
	Name    string   // of the service, for authenticators to show
	Keyring *keyring.Keyring
	// HandleKey is the secret from which user handles are computed. With another key the users
	// of existing passkeys are not found.
	HandleKey []byte
	Now       func() time.Time
}

// RelyingParty runs ceremonies. It is safe for concurrent use.
type RelyingParty struct {
	Config

	webauthn *webauthn.WebAuthn
}

// Supports reports whether an issuer may have passkeys: its host must be a domain name.
//
// Spec: Web Authentication Level 3 §5.1.3 step 7 (the effective domain must be a valid domain).
func Supports(issuer string) bool {
	u, err := url.Parse(issuer)
	if err != nil || u.Hostname() == "" {
		return false
	}
	_, err = netip.ParseAddr(u.Hostname())
	return err != nil
}

// New returns a relying party. It returns an error if the ID is not a domain name or there is
// no origin.
func New(c Config) (*RelyingParty, error) {
	required := true
	w, err := webauthn.New(&webauthn.Config{
		RPID: c.ID, RPDisplayName: c.Name, RPOrigins: c.Origins,
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: &required,
			UserVerification: protocol.VerificationRequired,
		},
		Timeouts: webauthn.TimeoutsConfig{
			Login:        webauthn.TimeoutConfig{Timeout: ChallengeLifetime, TimeoutUVD: ChallengeLifetime},
			Registration: webauthn.TimeoutConfig{Timeout: ChallengeLifetime, TimeoutUVD: ChallengeLifetime},
		},
		// No output is used, and extensions of browsers add some.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil {
		return nil, fmt.Errorf("configure webauthn: %w", err)
	}
	return &RelyingParty{Config: c, webauthn: w}, nil
}

// Handle returns the user handle of a subject: 32 bytes that reveal nothing about it.
//
// Spec: Web Authentication Level 3 §14.6.1.
func (rp *RelyingParty) Handle(subject string) []byte {
	mac := hmac.New(sha256.New, rp.HandleKey)
	mac.Write([]byte(subject))
	return mac.Sum(nil)
}

// holder is a user with passkeys, in the form of go-webauthn.
type holder struct {
	handle         []byte
	name, fullName string
	credentials    []webauthn.Credential
}

// WebAuthnID implements [webauthn.User].
func (u *holder) WebAuthnID() []byte { return u.handle }

// WebAuthnName implements [webauthn.User].
func (u *holder) WebAuthnName() string { return u.name }

// WebAuthnDisplayName implements [webauthn.User].
func (u *holder) WebAuthnDisplayName() string { return u.fullName }

// WebAuthnCredentials implements [webauthn.User].
func (u *holder) WebAuthnCredentials() []webauthn.Credential { return u.credentials }

// credential returns the passkey in the form of go-webauthn.
func (p *Passkey) credential() webauthn.Credential {
	var flags protocol.AuthenticatorFlags
	for flag, set := range map[protocol.AuthenticatorFlags]bool{
		protocol.FlagUserVerified: p.Key.UserVerified, protocol.FlagBackupEligible: p.Key.BackupEligible, protocol.FlagBackupState: p.BackedUp,
	} {
		if set {
			flags |= flag
		}
	}
	c := webauthn.Credential{
		ID: p.ID, PublicKey: p.Key.PublicKey, AttestationFormat: p.Key.Attestation, Flags: webauthn.NewCredentialFlags(flags),
		Authenticator: webauthn.Authenticator{AAGUID: p.Key.AAGUID, SignCount: p.Counter},
	}
	for _, transport := range p.Key.Transports {
		c.Transport = append(c.Transport, protocol.AuthenticatorTransport(transport))
	}
	return c
}
