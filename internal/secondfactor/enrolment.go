package secondfactor

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/totp"
)

// maxAuthenticators is the number of authenticator apps of an account.
const maxAuthenticators = 5

// Purpose is what an enrolment is for. One that was begun for another purpose is not found.
type Purpose string

// The purposes of enrolments.
const (
	ForAccountPage Purpose = "account page"
	ForSignIn      Purpose = "sign-in" // demanded during a sign-in
)

// Binding ties an enrolment to the place where it was begun. It has no other end: pages show it
// only after a recent authentication, or until the request of the sign-in expires.
type Binding struct {
	Purpose Purpose
	// Session is the value of the session cookie, which each sign-in and each rise of the
	// level replaces; during a sign-in without a session it is the request ID.
	Session string
	// Shown is the ID of the enrolment in the submitted form; empty if that has none.
	Shown string
}

// Enrolment is a secret to show to the user.
type Enrolment struct {
	ID     string // for [Binding.Shown]
	Secret []byte
	URI    string // the otpauth URI with it
}

// BeginTOTP returns the enrolment of an authenticator app. It is the same until one is confirmed,
// and stores nothing. issuer and username are the names that the app shows.
func (s *Service) BeginTOTP(ctx context.Context, subject, issuer, username string, b Binding) (Enrolment, error) {
	count, err := s.Store.Enrolments(ctx, subject)
	if err != nil {
		return Enrolment{}, fmt.Errorf("begin enrolment: %w", err)
	}
	e := s.enrolments(subject, count, b)[0]
	e.URI = totp.URI(e.Secret, issuer, username)
	return e, nil
}

// ConfirmTOTP completes the enrolment under the binding with the first code of the app. It
// returns [ErrNoEnrolment] if the user was shown another one, or it is being completed elsewhere,
// [ErrWrong] for a wrong code, after which the enrolment still waits, and [ErrTooMany].
func (s *Service) ConfirmTOTP(ctx context.Context, subject, code, label string, b Binding, now time.Time) (*Authenticator, error) {
	count, err := s.Store.Enrolments(ctx, subject)
	if err != nil {
		return nil, fmt.Errorf("confirm enrolment: %w", err)
	}
	shown := b.Shown == ""
	for _, e := range s.enrolments(subject, count, b) {
		shown = shown || e.ID == b.Shown
		step, ok := totp.Match(e.Secret, code, now)
		if !ok {
			continue
		}
		a := &Authenticator{Subject: subject, ID: strings.ToLower(rand.Text()), Label: label, LastStep: step, CreatedAt: now}
		if a.Secret, err = s.Secrets.Seal(authenticatorPurpose(subject, a.ID), e.Secret); err != nil {
			return nil, fmt.Errorf("seal secret of authenticator: %w", err)
		}
		if err := s.Store.InsertAuthenticator(ctx, a, count, maxAuthenticators); err != nil {
			return nil, fmt.Errorf("confirm enrolment: %w", err)
		}
		return a, nil
	}
	if !shown {
		return nil, ErrNoEnrolment
	}
	return nil, ErrWrong
}

// enrolments returns the enrolment of an account to which count apps were added, under each
// system secret. It is derived from them, so that all replicas compute the same one.
//
// Spec: RFC 4226 §7.5 (deterministic generation).
func (s *Service) enrolments(subject string, count int64, b Binding) []Enrolment {
	var list []Enrolment
	for _, derived := range s.Secrets.DeriveAll("enrolment of an authenticator") {
		derive := func(part string) []byte {
			mac := hmac.New(sha256.New, derived.Key)
			for _, text := range []string{part, subject, string(b.Purpose), b.Session} {
				_ = binary.Write(mac, binary.BigEndian, int64(len(text))) // a hash returns no error
				_, _ = mac.Write([]byte(text))
			}
			_ = binary.Write(mac, binary.BigEndian, count)
			return mac.Sum(nil)
		}
		list = append(list, Enrolment{ID: hex.EncodeToString(derive("ID")[:8]), Secret: derive("secret")[:totp.SecretSize]})
	}
	return list
}

// RemoveTOTP removes an authenticator app of an account. It returns [ErrNotEnrolled] for an
// unknown one.
func (s *Service) RemoveTOTP(ctx context.Context, subject, id string, now time.Time) error {
	if err := s.Store.DeleteAuthenticator(ctx, subject, id, now); err != nil {
		return fmt.Errorf("remove authenticator: %w", err)
	}
	return nil
}
