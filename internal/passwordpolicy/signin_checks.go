package passwordpolicy

import (
	"context"
	"crypto/sha1" //nolint:gosec // lists of breached passwords have SHA-1 hashes
	"log/slog"
	"time"

	"golang.org/x/text/unicode/norm"
)

const (
	// maxWaitingChecks is the number of checks that wait in memory. Further ones are left to the
	// next sign-in of their users.
	maxWaitingChecks = 1000
	// checkInterval is the time between two checks: the service is of somebody else.
	checkInterval = 100 * time.Millisecond
)

// CheckStore records the results of checks.
type CheckStore interface {
	// RecordBreachCheck records whether the list has the password with a hash. The user of a breached
	// password must change it.
	RecordBreachCheck(ctx context.Context, subject, hash string, breached bool, now time.Time) error
}

// SignInChecks compares passwords with the list of breached passwords after their users have signed
// in: a password may have become known since it was set. A nil *SignInChecks checks none.
//
// Only digests are kept, in memory, until they are compared.
type SignInChecks struct {
	breaches Breaches
	store    CheckStore
	now      func() time.Time
	log      *slog.Logger
	waiting  chan signInCheck
}

type signInCheck struct {
	subject, hash string
	password      Digest
}

// NewSignInChecks returns checks with a list; nil without one.
func NewSignInChecks(breaches Breaches, store CheckStore, now func() time.Time, log *slog.Logger) *SignInChecks {
	if breaches == nil {
		return nil
	}
	return &SignInChecks{breaches, store, now, log, make(chan signInCheck, maxWaitingChecks)}
}

// Add queues the check of a right password, given its stored hash. It does not block.
func (c *SignInChecks) Add(subject, hash, password string) {
	if c == nil {
		return
	}
	select {
	case c.waiting <- signInCheck{subject, hash, sha1.Sum([]byte(norm.NFC.String(password)))}: //nolint:gosec // see the import
	default: // the next sign-in checks it
	}
}

// Run checks what is queued until ctx ends.
func (c *SignInChecks) Run(ctx context.Context) {
	if c == nil {
		return
	}
	for {
		select {
		case <-ctx.Done():
			return
		case next := <-c.waiting:
			c.check(ctx, next)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(checkInterval):
		}
	}
}

// check compares a password. If the list cannot be read, the next sign-in checks it again.
func (c *SignInChecks) check(ctx context.Context, next signInCheck) {
	found, err := c.breaches.Contains(ctx, next.password)
	if err == nil {
		err = c.store.RecordBreachCheck(ctx, next.subject, next.hash, found, c.now())
	}
	switch {
	case ctx.Err() != nil:
	case err != nil:
		c.log.LogAttrs(ctx, slog.LevelWarn, "breached passwords not checked", slog.String("error", err.Error()))
	case found:
		c.log.LogAttrs(ctx, slog.LevelInfo, "password has appeared in a data breach", slog.String("subject", next.subject))
	}
}
