package secondfactor

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/totp"
)

const (
	// EnrolmentLifetime is the time between [Service.BeginTOTP] and [Service.ConfirmTOTP].
	EnrolmentLifetime = 10 * time.Minute
	// maxAuthenticators is the number of authenticator apps of an account.
	maxAuthenticators = 5
)

// Purpose is what an enrolment is for. One that was begun for another purpose is not found.
type Purpose string

// The purposes of enrolments.
const (
	ForAccountPage Purpose = "account page"
	ForSignIn      Purpose = "sign-in" // demanded during a sign-in
)

// Binding ties an enrolment to the place where it was begun.
type Binding struct {
	Purpose Purpose
	// Session is the value of the session cookie, which each sign-in and each rise of the
	// level replaces; during a sign-in without a session it is the request ID.
	Session string
}

func (b Binding) digest() []byte {
	sum := sha256.Sum256([]byte(string(b.Purpose) + "\x00" + b.Session))
	return sum[:]
}

// Pending is an enrolment of an authenticator app that waits for the first code.
type Pending struct {
	Binding   []byte // digest of a [Binding]
	Subject   string
	Secret    []byte // sealed
	ExpiresAt time.Time
}

// Enrolment is a secret to show to the user.
type Enrolment struct {
	Secret []byte
	URI    string // the otpauth URI with it
}

// BeginTOTP returns the secret of an enrolment of an authenticator app: the one that waits
// under the binding, or a new one. issuer and username are the names that the app shows.
func (s *Service) BeginTOTP(ctx context.Context, subject, issuer, username string, b Binding, now time.Time) (Enrolment, error) {
	_, secret, err := s.pending(ctx, subject, b, now)
	if errors.Is(err, ErrNoEnrolment) {
		p := &Pending{Binding: b.digest(), Subject: subject, ExpiresAt: now.Add(EnrolmentLifetime)}
		p.Secret, err = s.Secrets.Seal(p.purpose(), totp.NewSecret())
		if err != nil {
			return Enrolment{}, fmt.Errorf("seal secret of enrolment: %w", err)
		}
		p, err = s.Store.InsertPendingAuthenticator(ctx, p, now)
		if err == nil {
			secret, err = s.Secrets.Open(p.purpose(), p.Secret)
		}
	}
	if err != nil {
		return Enrolment{}, fmt.Errorf("begin enrolment: %w", err)
	}
	return Enrolment{Secret: secret, URI: totp.URI(secret, issuer, username)}, nil
}

// ConfirmTOTP completes the enrolment under the binding with the first code of the app. It
// returns [ErrNoEnrolment] if none waits there, [ErrWrong] for a wrong code, after which
// the enrolment still waits, and [ErrTooMany].
func (s *Service) ConfirmTOTP(ctx context.Context, subject, code, label string, b Binding, now time.Time) (*Authenticator, error) {
	p, secret, err := s.pending(ctx, subject, b, now)
	if err != nil {
		return nil, fmt.Errorf("confirm enrolment: %w", err)
	}
	step, ok := totp.Match(secret, code, now)
	if !ok {
		return nil, ErrWrong
	}
	a := &Authenticator{Subject: subject, ID: strings.ToLower(rand.Text()), Label: label, LastStep: step, CreatedAt: now}
	if a.Secret, err = s.Secrets.Seal(authenticatorPurpose(subject, a.ID), secret); err != nil {
		return nil, fmt.Errorf("seal secret of authenticator: %w", err)
	}
	if err := s.Store.InsertAuthenticator(ctx, p, a, maxAuthenticators); err != nil {
		return nil, fmt.Errorf("confirm enrolment: %w", err)
	}
	return a, nil
}

// RemoveTOTP removes an authenticator app of an account. It returns [ErrNotEnrolled] for an
// unknown one.
func (s *Service) RemoveTOTP(ctx context.Context, subject, id string, now time.Time) error {
	if err := s.Store.DeleteAuthenticator(ctx, subject, id, now); err != nil {
		return fmt.Errorf("remove authenticator: %w", err)
	}
	return nil
}

// pending returns the enrolment under a binding with its secret, or [ErrNoEnrolment].
func (s *Service) pending(ctx context.Context, subject string, b Binding, now time.Time) (*Pending, []byte, error) {
	p, err := s.Store.PendingAuthenticator(ctx, b.digest(), subject, now)
	if err != nil {
		return nil, nil, err
	}
	secret, err := s.Secrets.Open(p.purpose(), p.Secret)
	if err != nil {
		return nil, nil, fmt.Errorf("open secret of enrolment: %w", err)
	}
	return p, secret, nil
}

func (p *Pending) purpose() string {
	return "pending authenticator\x00" + p.Subject + "\x00" + hex.EncodeToString(p.Binding)
}
