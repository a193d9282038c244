package login

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/account"
)

// limiter bounds attempts by network and by account. All of its methods let everything
// pass where rate limits are off.
type limiter struct{ *Config }

// throttled is the result of counting an attempt.
type throttled struct {
	wait    time.Duration // how long the caller must wait; 0 if the attempt is allowed
	network bool          // whether a limit of the network was reached, not one of the account
	rests   bool          // whether the password is accepted only from known devices and networks
}

// networks returns the nested networks of the request's address, the narrowest first.
func (l *limiter) networks(ctx context.Context) []string {
	var list []string
	for _, network := range l.Networks(l.Address(ctx)) {
		list = append(list, network.String())
	}
	return list
}

// networkLimits returns a limit for each of the nested networks of the request's address,
// the narrowest first. That one allows maxAttempts in the window, and each wider one
// growth times as many as the one within it.
func (l *limiter) networkLimits(ctx context.Context, what string, maxAttempts, growth int, window time.Duration) []account.Limit {
	networks := l.networks(ctx)
	limits := make([]account.Limit, len(networks))
	for i, network := range networks {
		limits[i] = account.Limit{Key: what + " " + network, MaxAttempts: maxAttempts, Window: window}
		maxAttempts *= growth
	}
	return limits
}

// failureLimits bound the failed attempts from one network, at any account. Successful
// ones are not counted: a company or a school may be one network.
func (l *limiter) failureLimits(ctx context.Context) []account.Limit {
	return l.networkLimits(ctx, "address", 30, 4, time.Minute)
}

// attempt is a password attempt for one username.
type attempt struct {
	limits []account.Limit
	known  account.KnownSource
	// shared is the counter of failures in a row from unknown devices and networks, and
	// inRow its value; empty for an attempt from a known one.
	shared string
	inRow  int
}

// attemptAt selects the failure counter of a password attempt for a username.
//
// Each browser from which the account has signed in has a separate counter, and so has each
// of the nested networks, of which the narrowest known one counts; all others share one. So
// attempts from elsewhere never lock out a user on a known device or network. The lookup
// is the same for unknown usernames.
func (l *limiter) attemptAt(r *http.Request, username string) (attempt, error) {
	if !l.RateLimits {
		return attempt{}, nil
	}
	source := account.NewSignInSource(username, l.Cookies.Device(r), l.networks(r.Context())...)
	known, err := l.Sources.KnownSource(r.Context(), source, l.Now())
	if err != nil {
		return attempt{}, fmt.Errorf("look up device: %w", err)
	}
	at := attempt{known: known}
	network := known.Network()
	switch {
	case !known.Device.IsZero():
		at.limits = account.Lockout(account.SourceCounter(source.Device))
	case network >= 0:
		at.limits = account.Lockout(account.SourceCounter(source.Networks[network]))
	default:
		at.shared = account.SharedCounter(username)
		at.limits = account.Lockout(at.shared)
		if at.inRow, err = l.Attempts.FailuresInRow(r.Context(), at.shared); err != nil {
			return attempt{}, err
		}
	}
	return at, nil
}

// countAttempt counts a password attempt before the password is checked. Failures of other
// users in its network do not reject a known device, nor those in wider networks a known one.
func (l *limiter) countAttempt(ctx context.Context, at attempt) (throttled, error) {
	if at.inRow >= account.RestAfter {
		return throttled{rests: true}, nil
	}
	if !at.known.Device.IsZero() {
		return l.countIgnoringNetwork(ctx, at.limits)
	}
	networks := l.failureLimits(ctx)
	if network := at.known.Network(); network >= 0 {
		networks = networks[:network+1]
	}
	return l.count(ctx, networks, at.limits)
}

// count counts an attempt under limits, before anything is checked, so that of
// simultaneous attempts not all are the last allowed one. The failures of its networks are
// read first: an attempt that they reject uses up no attempt of the account. They are
// counted by recordFailure, so that attempts in progress exceed their limits, by no more
// than the hasher computes concurrently.
func (l *limiter) count(ctx context.Context, networks, limits []account.Limit) (throttled, error) {
	if !l.RateLimits {
		return throttled{}, nil
	}
	now := l.Now()
	for i, limit := range networks {
		n, _, err := l.Attempts.AttemptCount(ctx, limit.Key, now)
		if err != nil {
			return throttled{}, fmt.Errorf("read attempts: %w", err)
		}
		if n >= limit.MaxAttempts {
			wait, err := l.longestWait(ctx, append(networks[i:], limits...), now)
			return throttled{wait: wait, network: true}, err
		}
	}
	return l.countIgnoringNetwork(ctx, limits)
}

// countIgnoringNetwork is count for an attempt that the failures of its networks do not
// reject.
func (l *limiter) countIgnoringNetwork(ctx context.Context, limits []account.Limit) (throttled, error) {
	if !l.RateLimits {
		return throttled{}, nil
	}
	now := l.Now()
	for i, limit := range limits {
		n, _, err := l.Attempts.CountAttempt(ctx, limit.Key, limit.Window, now)
		if err != nil {
			return throttled{}, fmt.Errorf("count attempt: %w", err)
		}
		if n > limit.MaxAttempts {
			wait, err := l.longestWait(ctx, limits[i:], now)
			return throttled{wait: wait}, err
		}
	}
	return throttled{}, nil
}

// longestWait returns when all of the limits allow an attempt: the first one that was
// reached need not be the last to end.
func (l *limiter) longestWait(ctx context.Context, limits []account.Limit, now time.Time) (time.Duration, error) {
	wait := time.Second
	for _, limit := range limits {
		n, since, err := l.Attempts.AttemptCount(ctx, limit.Key, now)
		if err != nil {
			return 0, fmt.Errorf("read attempts: %w", err)
		}
		if n >= limit.MaxAttempts {
			wait = max(wait, since.Add(limit.Window).Sub(now))
		}
	}
	return wait, nil
}

// recordFailure counts a rejected password under its networks, and one from an unknown device
// and network among those in a row, and returns err. Other errors are not failures of the
// caller.
func (l *limiter) recordFailure(ctx context.Context, at attempt, err error) error {
	if rejected := (*rejection)(nil); !l.RateLimits || !errors.As(err, &rejected) {
		return err
	}
	if at.shared != "" {
		if err := l.Attempts.AddFailure(ctx, at.shared, l.Now()); err != nil {
			return fmt.Errorf("count failure: %w", err)
		}
	}
	for _, limit := range l.failureLimits(ctx) {
		if _, _, err := l.Attempts.CountAttempt(ctx, limit.Key, limit.Window, l.Now()); err != nil {
			return fmt.Errorf("count attempt: %w", err)
		}
	}
	return err
}

// resetFailures clears the counters of an attempt after its success. The network keeps its
// failures: a right password of one account does not excuse guesses at others.
func (l *limiter) resetFailures(ctx context.Context, at attempt) error {
	if !l.RateLimits {
		return nil
	}
	if at.inRow > 0 {
		if err := l.Attempts.ResetFailures(ctx, at.shared); err != nil {
			return fmt.Errorf("reset failures: %w", err)
		}
	}
	for _, limit := range at.limits {
		if err := l.Attempts.ResetAttempts(ctx, limit.Key); err != nil {
			return fmt.Errorf("reset attempts: %w", err)
		}
	}
	return nil
}
