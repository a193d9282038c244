package login

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/refusal"
)

// denied is why a sign-in did not succeed. The person reads the same words
// whatever was wrong; the log tells more.
type denied struct {
	status  int
	words   string
	wait    time.Duration
	rule    refusal.Rule
	why     string
	subject string // once it is known who it is about
}

func (d *denied) Error() string { return d.why }

// tooMany rejects a sign-in without looking at its password. The user reads the same
// for every limit; only the log tells the operator whether to unlock the account.
func tooMany(h hold) error {
	why := "too many failed sign-ins at this account from unknown devices and networks, or from this known one"
	if h.network {
		why = "too many failed sign-ins from this network"
	}
	return &denied{status: http.StatusTooManyRequests, words: "Too many tries.", wait: h.wait, rule: refusal.SignInThrottled, why: why}
}

func wrong(rule refusal.Rule, why, subject string) error {
	return &denied{
		status: http.StatusForbidden, words: "This user name and password do not belong together.",
		rule: rule, why: why, subject: subject,
	}
}

// check returns the account that username and password belong to, and which part of
// the request's source it knows.
//
// Every refusal costs the same work, whether there is such an account or not: a
// guess is counted, then the account is read, then a password is hashed. Only
// what cannot be anybody's password is refused before the account is read.
func (h *Handler) check(r *http.Request, username, password string) (a *account.Account, known account.KnownSource, err error) {
	ctx := r.Context()
	canonical, nameErr := account.CanonicalUsername(username)
	if nameErr != nil {
		canonical = username // nobody's, and counted like any other
	}
	at, err := h.attemptAt(r, canonical)
	if err != nil {
		return nil, known, err
	}
	held, err := h.countAttempt(ctx, at)
	if err != nil {
		return nil, known, err
	}
	if held.wait > 0 {
		return nil, known, tooMany(held)
	}
	a, err = h.verify(ctx, canonical, password)
	if err != nil {
		return nil, known, h.blame(ctx, err)
	}
	return a, at.known, h.forget(ctx, at.limits)
}

// verify compares the password. Where there is none to compare it with, the hash
// is empty, which takes the hasher as long.
func (h *Handler) verify(ctx context.Context, username, password string) (*account.Account, error) {
	if password == "" || len(password) > account.MaxPassword {
		return nil, wrong(refusal.SignInPassword, "no possible password", "")
	}
	a, err := h.Accounts.AccountByUsername(ctx, username)
	if errors.Is(err, account.ErrNotFound) {
		a, err = &account.Account{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read account: %w", err)
	}
	hash := a.PasswordHash
	if !a.DisabledAt.IsZero() {
		hash = ""
	}
	verdict, err := h.Hasher.Check(ctx, hash, password)
	if errors.Is(err, account.ErrBadHash) {
		// An import may have brought what we cannot read; its owner is told no more
		// than anyone, the operator is.
		h.Log.LogAttrs(ctx, slog.LevelError, "password hash not understood", slog.String("subject", a.Subject))
		verdict, err = h.Hasher.Check(ctx, "", password)
	}
	if err != nil {
		return nil, fmt.Errorf("verify password: %w", err)
	}
	if !verdict.OK {
		rule, why := reason(a)
		return nil, wrong(rule, why, a.Subject)
	}
	return a, h.renewHash(ctx, a, verdict.Rehashed)
}

// renewHash replaces a password hash that is weaker than the configuration by renewed,
// unless that is empty or the password has changed meanwhile.
func (h *Handler) renewHash(ctx context.Context, a *account.Account, renewed string) error {
	if renewed == "" {
		return nil
	}
	done, err := h.Accounts.RenewPasswordHash(ctx, a.Subject, a.PasswordHash, renewed)
	if err != nil {
		return err
	}
	if done {
		h.Log.LogAttrs(ctx, slog.LevelInfo, "password hash renewed", slog.String("subject", a.Subject))
	}
	return nil
}

// reason explains a password that was not accepted, for the log.
func reason(a *account.Account) (refusal.Rule, string) {
	switch {
	case a.Subject == "":
		return refusal.SignInUnknownUser, "no such account"
	case !a.DisabledAt.IsZero():
		return refusal.SignInDisabled, "account is disabled"
	case a.PasswordHash == "":
		return refusal.SignInPassword, "account has no password"
	default:
		return refusal.SignInPassword, "wrong password"
	}
}
