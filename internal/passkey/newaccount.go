package passkey

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
)

// BeginAccount returns the options of a registration with which the user of a one-time link
// creates an account. The page adds the names that the user enters. The challenge is valid for
// the link with the hash of its token, and counts once because the link does.
//
// Spec: Web Authentication Level 3 §5.4, §7.1.
func (rp *RelyingParty) BeginAccount(linkHash []byte) (Options, error) {
	user := User{Subject: rp.newSubject(linkHash)}
	return rp.beginRegistration(newAccount, hex.EncodeToString(linkHash), user, nil, protocol.MediationDefault)
}

// VerifyAccount verifies the JSON of a registration response for [RelyingParty.BeginAccount], and
// returns the passkey with the subject of the new account. It returns [ErrInvalid] with the
// reason, or [ErrExpired].
//
// Spec: Web Authentication Level 3 §7.1.
func (rp *RelyingParty) VerifyAccount(state, response string, linkHash []byte) (*Passkey, error) {
	user := User{Subject: rp.newSubject(linkHash)}
	p, _, err := rp.verifyRegistration(newAccount, hex.EncodeToString(linkHash), state, response, user)
	return p, err
}

// newSubject returns the subject of the account that the user of a link creates with a passkey,
// in the form of account.NewSubject. It is the same for each attempt, so that the passkey of the
// next one replaces that of a rejected form in the authenticator.
func (rp *RelyingParty) newSubject(linkHash []byte) string {
	mac := hmac.New(sha256.New, rp.HandleKey)
	mac.Write([]byte("subject of a new account "))
	mac.Write(linkHash)
	return strings.ToLower(base32.StdEncoding.EncodeToString(mac.Sum(nil))[:26])
}
