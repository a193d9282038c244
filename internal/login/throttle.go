package login

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// limit allows so many guesses under a key until its window has passed. A window
// starts with its first guess and is not prolonged by those it refuses.
type limit struct {
	key    string
	most   int
	window time.Duration
}

// hold rejects a guess that is one too many.
type hold struct {
	wait    time.Duration // zero if the guess may be tried
	network bool          // a limit of the network was reached, not one of the account
}

// addressLimits bound the wrong guesses that come from one network, at any account.
// Right ones are not counted: a company or a school may be one network.
func (h *Handler) addressLimits(ctx context.Context) []limit {
	return h.networkLimits(ctx, "address", 30, 4, time.Minute)
}

// count counts a guess, before anything is checked, so that simultaneous guesses
// cannot all be the last one. It returns how long to wait, and for which limit, if the
// guess is one too many, and the zero hold otherwise.
//
// The addresses come first: one that is refused does not use up anybody's guesses.
// Its own wrong guesses are counted once they are known to be wrong, so those that
// are under way go beyond its limit: no more than the hasher takes in at once.
func (h *Handler) count(ctx context.Context, addresses, limits []limit) (hold, error) {
	if !h.Throttle {
		return hold{}, nil
	}
	now := h.Now()
	for i, l := range addresses {
		n, _, err := h.Guesses.GuessState(ctx, l.key, now)
		if err != nil {
			return hold{}, fmt.Errorf("read guesses: %w", err)
		}
		if n >= l.most {
			wait, err := h.longestWait(ctx, append(addresses[i:], limits...), now)
			return hold{wait: wait, network: true}, err
		}
	}
	return h.countAt(ctx, limits, now)
}

// countAt counts a guess under limits alone, whatever came from its network.
func (h *Handler) countAt(ctx context.Context, limits []limit, now time.Time) (hold, error) {
	if !h.Throttle {
		return hold{}, nil
	}
	for i, l := range limits {
		n, _, err := h.Guesses.CountGuess(ctx, l.key, l.window, now)
		if err != nil {
			return hold{}, fmt.Errorf("count guess: %w", err)
		}
		if n > l.most {
			wait, err := h.longestWait(ctx, limits[i:], now)
			return hold{wait: wait}, err
		}
	}
	return hold{}, nil
}

// longestWait returns when all of the limits will let a guess through: the first
// to refuse it need not be the last to give way.
func (h *Handler) longestWait(ctx context.Context, limits []limit, now time.Time) (time.Duration, error) {
	wait := time.Second
	for _, l := range limits {
		n, since, err := h.Guesses.GuessState(ctx, l.key, now)
		if err != nil {
			return 0, fmt.Errorf("read guesses: %w", err)
		}
		if n >= l.most {
			wait = max(wait, since.Add(l.window).Sub(now))
		}
	}
	return wait, nil
}

// blame counts a sign-in that was denied at the address it came from, and returns
// why it was. Faults of ours are nobody's guess.
func (h *Handler) blame(ctx context.Context, err error) error {
	var no *denied
	if !h.Throttle || !errors.As(err, &no) {
		return err
	}
	for _, l := range h.addressLimits(ctx) {
		if _, _, err := h.Guesses.CountGuess(ctx, l.key, l.window, h.Now()); err != nil {
			return fmt.Errorf("count guess: %w", err)
		}
	}
	return err
}

// forget starts counting anew for whoever knew the password. Their address stays
// counted: one's own account must not pay for guesses at others.
func (h *Handler) forget(ctx context.Context, limits []limit) error {
	if !h.Throttle {
		return nil
	}
	for _, l := range limits {
		if err := h.Guesses.ForgetGuesses(ctx, l.key); err != nil {
			return fmt.Errorf("forget guesses: %w", err)
		}
	}
	return nil
}
