package login

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/passkey"
	"github.com/ostiary/ostiary/internal/passwordpolicy"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/session"
)

// newAccounts creates the accounts of users with a one-time link: with a password, or with a
// passkey and no password.
type newAccounts struct {
	*Config

	passwords *passwords
}

// passkeyPart returns the part of a page that creates an account with a passkey, nil if passkeys
// are off. The ceremony is bound to the link with the hash.
func (s *newAccounts) passkeyPart(link []byte) (*pages.NewPasskey, error) {
	if s.RelyingParty == nil {
		return nil, nil
	}
	options, err := s.RelyingParty.BeginAccount(link)
	if err != nil {
		return nil, err
	}
	return &pages.NewPasskey{Options: string(options.JSON), State: options.State}, nil
}

// fill sets the username and the credential of a new account from a submitted form: the passkey in
// the fields state and credential, which it returns, or else the password of choice, which must
// equal repeat. It returns a [*fieldError] for fields that are not acceptable.
func (s *newAccounts) fill(r *http.Request, a *account.Account, link []byte, choice passwordpolicy.Choice, repeat string) (*passkey.Passkey, error) {
	form := r.PostForm
	if response := form.Get("credential"); response != "" && s.RelyingParty != nil {
		return s.fillPasskey(r, a, link, response)
	}
	username, err := checkCredentials(form.Get("username"), repeat, choice)
	if err != nil {
		return nil, err
	}
	if err := s.PasswordPolicy.Check(r.Context(), choice); err != nil {
		return nil, fmt.Errorf("check password: %w", passwordError(err))
	}
	phc, err := s.Hasher.Hash(r.Context(), choice.Password)
	if err != nil {
		return nil, fmt.Errorf("hash password: %w", err)
	}
	a.Username = username
	a.SetPassword(phc, s.Now())
	return nil, nil
}

func (s *newAccounts) fillPasskey(r *http.Request, a *account.Account, link []byte, response string) (*passkey.Passkey, error) {
	username, err := checkUsername(r.PostForm.Get("username"))
	if err != nil {
		return nil, err
	}
	p, err := s.RelyingParty.VerifyAccount(r.PostForm.Get("state"), response, link)
	if err != nil {
		return nil, s.passkeyFault(r, err)
	}
	a.Username, a.Subject = username, p.Subject
	return p, nil
}

// passkeyFault returns the [*fieldError] for a passkey that was not accepted, and notes the reason
// for the log. Other errors are returned as they are.
func (s *newAccounts) passkeyFault(r *http.Request, err error) error {
	if !errors.Is(err, passkey.ErrInvalid) && !errors.Is(err, passkey.ErrExpired) && !errors.Is(err, passkey.ErrExists) {
		return err
	}
	refusal.Note(r.Context(), refusal.Rejection{
		Message: "passkey refused", Status: http.StatusBadRequest, Rule: refusal.PasskeyInvalid, Text: err.Error(),
	})
	return &fieldError{"passkey", messages.New("passkeys.not-added")}
}

// authentication returns the authentication of a user who has just created the account with p, or
// with a password if p is nil.
//
// Spec: OpenID Connect Extended Authentication Profile ACR Values 1.0 §3 (phr).
func (s *newAccounts) authentication(r *http.Request, a *account.Account, p *passkey.Passkey) session.Authentication {
	result := s.passwords.authentication(r, a, account.KnownSource{})
	if p != nil {
		result.ACR, result.AMR = session.LevelPhishingResistant, p.AMR()
	}
	return result
}
