package client

import (
	"context"
	"fmt"
	"time"
)

// Throttle counts tries at secrets, for all replicas together.
type Throttle interface {
	// CountAttempt counts one more and returns how many there were since when, in a
	// window that begins anew when it has passed.
	CountAttempt(ctx context.Context, key string, window time.Duration, now time.Time) (count int, since time.Time, err error)
	// ResetAttempts begins anew at once.
	ResetAttempts(ctx context.Context, key string) error
}

// So many wrong secrets are looked at for one client in so long.
const (
	maxGuesses  = 100
	guessWindow = time.Minute
)

// ThrottledError reports that too many wrong secrets came for one client of late. What
// was sent has not been looked at.
type ThrottledError struct{ RetryAfter time.Duration }

// Error says so.
func (t *ThrottledError) Error() string { return "too many wrong secrets of late" }

// TrySecret compares the secret sent for the client of that id, if there were not
// too many wrong ones of late; else it returns a [ThrottledError]. A guess can succeed
// at a short secret only, so those alone are counted, whether or not there is such
// a client; a long one costs no statement, unless what is kept is Foreign, which takes
// long to compare with anything. Nil guesses set no bound.
func TrySecret(
	ctx context.Context, guesses Throttle, id string, kept Secret, sent string, now time.Time,
	compare func(context.Context) (bool, error),
) (bool, error) {
	if guesses == nil || len(sent) >= strong && !kept.IsLegacyHash() {
		return compare(ctx)
	}
	// Counted before anything is compared: of many tries at once not all can be
	// the last one.
	key := "client " + id
	count, since, err := guesses.CountAttempt(ctx, key, guessWindow, now)
	if err != nil {
		return false, fmt.Errorf("count guess: %w", err)
	}
	if count > maxGuesses {
		return false, &ThrottledError{RetryAfter: since.Add(guessWindow).Sub(now)}
	}
	fits, err := compare(ctx)
	if err != nil || !fits {
		return false, err
	}
	if err := guesses.ResetAttempts(ctx, key); err != nil {
		return false, fmt.Errorf("forget guesses: %w", err)
	}
	return true, nil
}
