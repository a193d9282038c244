package login

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/session"
)

// passwords is the password authentication method.
type passwords struct {
	*Config

	limits *limiter
}

// check returns the account with the username or verified address and the password, and which
// devices and networks of the request the account has signed in from. It returns a [*rejection]
// if they are wrong or rate limited. The account may be one that its user has asked to delete.
//
// Every rejection costs the same work, whether the account exists or not: count the
// attempt, read the account, hash a password. Only an impossible password is rejected
// before the account is read. An attempt counts for the account, whichever of its names was
// entered, so the account of an address is read first.
func (p *passwords) check(r *http.Request, username, password string) (a *account.Account, known account.KnownSource, err error) {
	ctx := r.Context()
	if account.CheckEmail(strings.TrimSpace(username)) == nil {
		if a, err = p.find(ctx, username); err != nil {
			return nil, known, err
		}
		username = cmp.Or(a.Username, username)
	}
	at, err := p.limits.attemptAt(r, username)
	if err != nil {
		return nil, known, err
	}
	held, err := p.limits.countAttempt(ctx, at)
	if err != nil {
		return nil, known, err
	}
	if held.wait > 0 || held.rests {
		return nil, known, tooManyAttempts(held)
	}
	a, err = p.verify(ctx, a, username, password)
	if err != nil {
		return nil, known, p.limits.recordFailure(ctx, at, err)
	}
	return a, at.known, p.limits.resetFailures(ctx, at)
}

// find returns the account for an entered name, an empty one for an unknown name.
func (p *passwords) find(ctx context.Context, entered string) (*account.Account, error) {
	a, err := p.Accounts.AccountBySignInName(ctx, entered)
	if errors.Is(err, account.ErrNotFound) {
		return &account.Account{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read account: %w", err)
	}
	return a, nil
}

// VerifyPassword returns the account with the username and password, for a user who is signed in
// and proves the password again. It counts failures as a sign-in does. It returns an
// [*httpapi.Error] with status 403 for a wrong password, and 429 with the time to wait after too
// many.
func (s *Service) VerifyPassword(r *http.Request, username, password string) (*account.Account, error) {
	a, _, err := s.SignIn.passwords.check(r, username, password)
	if rejected, ok := errors.AsType[*rejection](err); ok {
		return nil, &httpapi.Error{
			Status: rejected.status, Code: "access_denied", RetryAfter: rejected.wait, Rule: rejected.rule, Reason: rejected.why,
		}
	}
	if err == nil && !a.DisabledAt.IsZero() {
		return nil, account.ErrDisabled
	}
	return a, err
}

// authentication returns the result of a password check, for the form in r.
func (p *passwords) authentication(r *http.Request, a *account.Account, known account.KnownSource) session.Authentication {
	return session.Authentication{
		Account: a, Time: p.Now(), ACR: session.LevelOneFactor, AMR: []string{"pwd"}, Remember: remember(r),
		Source: &session.Source{Known: known, Networks: p.limits.networks(r.Context())},
	}
}

// verify compares the password with that of a, which it reads by the username if it is nil. If
// there is no hash to compare it with, the hash is empty, and the hasher takes as long.
func (p *passwords) verify(ctx context.Context, a *account.Account, username, password string) (*account.Account, error) {
	if password == "" || len(password) > credential.MaxPassword {
		return nil, wrongPassword(refusal.SignInPassword, "the password is empty or too long", "")
	}
	if a == nil {
		var err error
		if a, err = p.find(ctx, username); err != nil {
			return nil, err
		}
	}
	hash := a.PasswordHash()
	if !a.DisabledAt.IsZero() && a.DeletesAt().IsZero() {
		hash = ""
	}
	result, err := p.Hasher.Check(ctx, hash, password)
	if errors.Is(err, credential.ErrBadHash) {
		// An import may have added a hash that cannot be parsed. The user gets the same
		// answer as for a wrong password; the operator finds the reason in the log.
		p.Log.LogAttrs(ctx, slog.LevelError, "password hash not understood", slog.String("subject", a.Subject))
		result, err = p.Hasher.Check(ctx, "", password)
	}
	if err != nil {
		return nil, fmt.Errorf("verify password: %w", err)
	}
	if !result.OK {
		rule, why := whyWrong(a)
		return nil, wrongPassword(rule, why, a.Subject)
	}
	if a.Breach == account.BreachUnknown && a.DeletesAt().IsZero() {
		p.BreachChecks.Add(a.Subject, cmp.Or(result.Rehashed, a.PasswordHash()), password)
	}
	return a, p.rehash(ctx, a, result.Rehashed)
}

// rehash replaces a password hash that is weaker than configured by rehashed, unless that
// is empty or the password has changed since the check.
func (p *passwords) rehash(ctx context.Context, a *account.Account, rehashed string) error {
	if rehashed == "" {
		return nil
	}
	done, err := p.Accounts.RenewPasswordHash(ctx, a.Subject, a.PasswordHash(), rehashed)
	if err != nil {
		return err
	}
	if done {
		p.Log.LogAttrs(ctx, slog.LevelInfo, "password hash renewed", slog.String("subject", a.Subject))
	}
	return nil
}

// whyWrong returns why a password was not accepted, for the log.
func whyWrong(a *account.Account) (refusal.Rule, string) {
	switch {
	case a.Subject == "":
		return refusal.SignInUnknownUser, "no such account"
	case !a.DisabledAt.IsZero():
		return refusal.SignInDisabled, "account is disabled"
	case a.PasswordHash() == "":
		return refusal.SignInPassword, "account has no password"
	default:
		return refusal.SignInPassword, "wrong password"
	}
}
