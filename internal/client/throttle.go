package client

import (
	"context"
	"fmt"
	"time"
)

// Throttle counts attempts at secrets across all replicas.
type Throttle interface {
	// CountAttempt adds an attempt and returns the number of attempts in the current window
	// and its start. An expired window starts again.
	CountAttempt(ctx context.Context, key string, window time.Duration, now time.Time) (count int, since time.Time, err error)
	// ResetAttempts starts a new window.
	ResetAttempts(ctx context.Context, key string) error
}

// Limit of wrong secrets per client.
const (
	maxGuesses  = 100
	guessWindow = time.Minute
)

// ThrottledError reports too many recent wrong secrets for one client. The secret was not
// checked.
type ThrottledError struct{ RetryAfter time.Duration }

// Error implements error.
func (t *ThrottledError) Error() string { return "too many wrong client secrets" }

// TrySecret checks a secret for the client with the given ID. It returns a [ThrottledError]
// after too many recent wrong secrets. Only short secrets can be guessed, so only those are
// counted, for unknown clients as well. A long secret costs no statement, except for a legacy
// hash, which is slow to check. A nil throttle disables the limit.
func TrySecret(
	ctx context.Context, guesses Throttle, id string, kept Secret, sent string, now time.Time,
	compare func(context.Context) (bool, error),
) (bool, error) {
	if guesses == nil || len(sent) >= strong && !kept.IsLegacyHash() {
		return compare(ctx)
	}
	// Count before comparing: concurrent attempts must not all pass as the last one.
	key := "client " + id
	count, since, err := guesses.CountAttempt(ctx, key, guessWindow, now)
	if err != nil {
		return false, fmt.Errorf("count attempt: %w", err)
	}
	if count > maxGuesses {
		return false, &ThrottledError{RetryAfter: since.Add(guessWindow).Sub(now)}
	}
	fits, err := compare(ctx)
	if err != nil || !fits {
		return false, err
	}
	if err := guesses.ResetAttempts(ctx, key); err != nil {
		return false, fmt.Errorf("reset attempts: %w", err)
	}
	return true, nil
}
