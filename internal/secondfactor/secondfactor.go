// Package secondfactor manages and verifies the second factors of accounts: authenticator
// apps (TOTP) and recovery codes. It also remembers the devices in which a user is not asked
// for a second factor.
package secondfactor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/keyring"
	"github.com/ostiary/ostiary/internal/recoverycode"
	"github.com/ostiary/ostiary/internal/totp"
)

var (
	// ErrWrong reports a code that does not match.
	ErrWrong = errors.New("wrong code")
	// ErrReplayed reports a code that was used before.
	ErrReplayed = errors.New("the code was used before")
	// ErrNotEnrolled reports an account without a factor of the kind, or an unknown factor.
	ErrNotEnrolled = errors.New("no such second factor")
	// ErrNoEnrolment reports an enrolment that was not begun in this session, or was completed.
	ErrNoEnrolment = errors.New("no enrolment of an authenticator app")
	// ErrTooMany reports an account that has the maximum number of authenticator apps.
	ErrTooMany = errors.New("too many authenticator apps")
)

// TooManyAttemptsError reports too many wrong codes of an account. The code was not checked.
type TooManyAttemptsError struct{ RetryAfter time.Duration }

// Error implements error.
func (e *TooManyAttemptsError) Error() string { return "too many wrong codes" }

// Authenticator is an authenticator app of an account.
type Authenticator struct {
	Subject    string
	ID         string // unique within the account
	Secret     []byte // sealed
	Label      string // the user's name for it; may be empty
	LastStep   int64  // the last accepted time step
	CreatedAt  time.Time
	LastUsedAt time.Time // zero if it was not used after its enrolment
}

// RecoveryCodes is the current set of recovery codes of an account.
type RecoveryCodes struct {
	HashKey   []byte // of the hashes; sealed; nil if the account has no set
	Left      int    // unused codes
	CreatedAt time.Time
}

// FactorSet has the second factors of an account.
type FactorSet struct {
	Authenticators []*Authenticator // oldest first
	RecoveryCodes  RecoveryCodes
}

// Enrolled reports whether the account has a second factor to ask for. Recovery codes alone
// do not count: they replace another factor.
func (f FactorSet) Enrolled() bool { return len(f.Authenticators) > 0 }

// Credentials describes the factors without their secrets.
func (f FactorSet) Credentials() []credential.Info {
	var list []credential.Info
	for _, a := range f.Authenticators {
		list = append(list, credential.Info{ID: a.ID, Kind: credential.TOTP, Label: a.Label, CreatedAt: a.CreatedAt, LastUsedAt: a.LastUsedAt})
	}
	if codes := f.RecoveryCodes; codes.HashKey != nil {
		list = append(list, credential.Info{
			ID: credential.RecoveryCodesID, Kind: credential.RecoveryCodes, Left: &codes.Left, CreatedAt: codes.CreatedAt,
		})
	}
	return list
}

// Store keeps second factors.
type Store interface {
	// Factors returns the factors of an account, which are empty for an unknown subject.
	Factors(ctx context.Context, subject string) (FactorSet, error)
	// AcceptStep records the use of an authenticator at a time step. It returns [ErrReplayed]
	// if that or a later step was accepted before, and [ErrNotEnrolled] if the authenticator
	// does not exist. Of concurrent callers with one step one succeeds.
	AcceptStep(ctx context.Context, subject, id string, step int64, now time.Time) error
	// RedeemRecoveryCode uses up the code with the hash and returns how many are left. It
	// returns [ErrReplayed] for a used code and [ErrWrong] for an unknown one. Of concurrent
	// callers with one code one succeeds.
	RedeemRecoveryCode(ctx context.Context, subject string, hash []byte, now time.Time) (left int, err error)
	// ReplaceRecoveryCodes stores a set of codes and deletes the previous one.
	ReplaceRecoveryCodes(ctx context.Context, subject string, set RecoveryCodes, hashes [][]byte) error
	// Enrolments returns how many authenticators were ever added to an account; 0 for an unknown
	// subject.
	Enrolments(ctx context.Context, subject string) (int64, error)
	// InsertAuthenticator adds a to an account to which count authenticators were added so far,
	// and counts it. It returns [ErrNoEnrolment] if the number is another one, and [ErrTooMany]
	// if the account has maxAuthenticators.
	InsertAuthenticator(ctx context.Context, a *Authenticator, count int64, maxAuthenticators int) error
	// DeleteAuthenticator returns [ErrNotEnrolled] for an unknown authenticator.
	DeleteAuthenticator(ctx context.Context, subject, id string, now time.Time) error
}

// Throttle counts attempts, for all replicas together.
type Throttle interface {
	CountAttempt(ctx context.Context, key string, window time.Duration, now time.Time) (count int, since time.Time, err error)
	ResetAttempts(ctx context.Context, key string) error
}

// Service manages and verifies the second factors of accounts.
type Service struct {
	Store    Store
	Throttle Throttle // nil: attempts are not limited
	Secrets  *keyring.Keyring
}

// Limits returns the limits of failed attempts at the second factors of an account, which
// all kinds of factors and all replicas share.
func Limits(subject string) []account.Limit {
	return []account.Limit{
		{Key: "second factor 5m " + subject, MaxAttempts: 5, Window: 5 * time.Minute},
		{Key: "second factor 24h " + subject, MaxAttempts: 100, Window: 24 * time.Hour},
	}
}

// Enrolled returns the second factors of an account.
func (s *Service) Enrolled(ctx context.Context, subject string) (FactorSet, error) {
	factors, err := s.Store.Factors(ctx, subject)
	if err != nil {
		return FactorSet{}, fmt.Errorf("read second factors: %w", err)
	}
	return factors, nil
}

// VerifyTOTP checks a code of an authenticator app and uses up its time step. It returns
// [ErrWrong], [ErrReplayed], [ErrNotEnrolled] or a [*TooManyAttemptsError].
//
// Spec: RFC 6238 §5.2.
func (s *Service) VerifyTOTP(ctx context.Context, subject, code string, now time.Time) error {
	return s.attempt(ctx, subject, now, func(factors FactorSet) error {
		if len(factors.Authenticators) == 0 {
			return ErrNotEnrolled
		}
		result := ErrWrong
		for _, a := range factors.Authenticators {
			secret, err := s.Secrets.Open(authenticatorPurpose(subject, a.ID), a.Secret)
			if err != nil {
				return fmt.Errorf("open secret of authenticator: %w", err)
			}
			step, ok := totp.Match(secret, code, now)
			if !ok {
				continue
			}
			err = s.Store.AcceptStep(ctx, subject, a.ID, step, now)
			if err == nil || !errors.Is(err, ErrReplayed) {
				return err
			}
			result = ErrReplayed
		}
		return result
	})
}

// VerifyRecoveryCode uses up a recovery code and returns how many are left. It returns
// [ErrWrong], [ErrReplayed], [ErrNotEnrolled] or a [*TooManyAttemptsError].
func (s *Service) VerifyRecoveryCode(ctx context.Context, subject, entered string, now time.Time) (left int, err error) {
	err = s.attempt(ctx, subject, now, func(factors FactorSet) error {
		if factors.RecoveryCodes.HashKey == nil {
			return ErrNotEnrolled
		}
		code, ok := recoverycode.Parse(entered)
		if !ok {
			return ErrWrong
		}
		key, err := s.Secrets.Open(hashKeyPurpose(subject), factors.RecoveryCodes.HashKey)
		if err != nil {
			return fmt.Errorf("open key of recovery codes: %w", err)
		}
		left, err = s.Store.RedeemRecoveryCode(ctx, subject, recoverycode.Hash(key, code), now)
		return err
	})
	return left, err
}

// attempt runs verify within the limits of the account. It counts before it verifies, so
// that concurrent attempts cannot exceed a limit; success clears the counters.
func (s *Service) attempt(ctx context.Context, subject string, now time.Time, verify func(FactorSet) error) error {
	factors, err := s.Enrolled(ctx, subject)
	if err != nil {
		return err
	}
	limits := Limits(subject)
	if s.Throttle == nil {
		limits = nil
	}
	for _, limit := range limits {
		count, since, err := s.Throttle.CountAttempt(ctx, limit.Key, limit.Window, now)
		if err != nil {
			return fmt.Errorf("count attempt: %w", err)
		}
		if count > limit.MaxAttempts {
			return &TooManyAttemptsError{RetryAfter: max(time.Second, since.Add(limit.Window).Sub(now))}
		}
	}
	if err := verify(factors); err != nil {
		return err
	}
	for _, limit := range limits {
		if err := s.Throttle.ResetAttempts(ctx, limit.Key); err != nil {
			return fmt.Errorf("reset attempts: %w", err)
		}
	}
	return nil
}

// GenerateRecoveryCodes gives an account a new set of recovery codes, which are returned
// for the user and stored as keyed hashes. The codes of the previous set become invalid.
func (s *Service) GenerateRecoveryCodes(ctx context.Context, subject string, now time.Time) ([]string, error) {
	codes, key := recoverycode.NewSet(), recoverycode.NewKey()
	sealed, err := s.Secrets.Seal(hashKeyPurpose(subject), key)
	if err != nil {
		return nil, fmt.Errorf("seal key of recovery codes: %w", err)
	}
	hashes := make([][]byte, len(codes))
	for i, shown := range codes {
		code, _ := recoverycode.Parse(shown)
		hashes[i] = recoverycode.Hash(key, code)
	}
	set := RecoveryCodes{HashKey: sealed, Left: len(codes), CreatedAt: now}
	if err := s.Store.ReplaceRecoveryCodes(ctx, subject, set, hashes); err != nil {
		return nil, fmt.Errorf("store recovery codes: %w", err)
	}
	return codes, nil
}

// RecoveryCodesLeft returns the number of unused recovery codes of an account.
func (s *Service) RecoveryCodesLeft(ctx context.Context, subject string) (int, error) {
	factors, err := s.Enrolled(ctx, subject)
	return factors.RecoveryCodes.Left, err
}

// The purposes bind sealed values to their account and row.
func authenticatorPurpose(subject, id string) string {
	return "authenticator\x00" + subject + "\x00" + id
}
func hashKeyPurpose(subject string) string { return "recovery codes\x00" + subject }
