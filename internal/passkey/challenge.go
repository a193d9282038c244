package passkey

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"
)

// The kinds of challenges. A challenge of one kind is invalid for another.
const (
	signIn       = "sign-in"
	registration = "registration"
	newAccount   = "new account"
	// Those of security keys, which are a second factor.
	secondFactor            = "second factor"
	securityKeyRegistration = "security key registration"
)

// maxState is the greatest length of a sealed challenge: one for an account with
// [MaxPerAccount] passkeys is shorter.
const maxState = 8 << 10

// clockSkew is the greatest difference between the clocks of replicas.
const clockSkew = time.Minute

// challenge is the content of a sealed challenge.
type challenge struct {
	IssuedAt int64 `json:"at"` // microseconds
	// Session is the SessionData of go-webauthn, as it was returned: rebuilding it loses the
	// requested extensions.
	Session json.RawMessage `json:"session"`
}

// seal returns a challenge of a kind that is valid only with the same binding: the ID of an
// authorization request, a session, or a one-time link.
func (rp *RelyingParty) seal(kind, binding string, session *webauthn.SessionData) (string, error) {
	data, err := json.Marshal(session)
	if err != nil {
		return "", fmt.Errorf("write challenge: %w", err)
	}
	plain, err := json.Marshal(challenge{rp.Now().UnixMicro(), data})
	if err != nil {
		return "", fmt.Errorf("write challenge: %w", err)
	}
	sealed, err := rp.Keyring.Seal(purpose(kind, binding), plain)
	if err != nil {
		return "", fmt.Errorf("seal challenge: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

// open returns a sealed challenge. It returns [ErrInvalid] if the challenge was not issued
// for the kind and binding, and [ErrExpired].
func (rp *RelyingParty) open(kind, binding, state string) (issued time.Time, session webauthn.SessionData, err error) {
	if len(state) > maxState {
		return issued, session, invalid(errors.New("the challenge is too long"))
	}
	sealed, err := base64.RawURLEncoding.DecodeString(state)
	if err != nil {
		return issued, session, invalid(err)
	}
	plain, err := rp.Keyring.Open(purpose(kind, binding), sealed)
	if err != nil {
		return issued, session, invalid(fmt.Errorf("the challenge was not issued for this %s: %w", kind, err))
	}
	var c challenge
	if err := json.Unmarshal(plain, &c); err != nil {
		return issued, session, invalid(err)
	}
	if err := json.Unmarshal(c.Session, &session); err != nil {
		return issued, session, invalid(err)
	}
	issued = time.UnixMicro(c.IssuedAt).UTC()
	if age := rp.Now().Sub(issued); age > ChallengeLifetime || age < -clockSkew {
		return issued, session, ErrExpired
	}
	return issued, session, nil
}

func purpose(kind, binding string) string { return "passkey " + kind + " " + binding }

// invalid returns err as a reason of [ErrInvalid].
func invalid(err error) error { return fmt.Errorf("%w: %w", ErrInvalid, err) }
