package middleware

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// ErrBusy reports that there is no room now.
var ErrBusy = errors.New("too busy")

// Admission bounds how much of one kind of work runs at once and how much of it
// waits, in number and time. Beyond that it is better to refuse at once than to
// finish late.
type Admission struct {
	slots, queue chan struct{}
	wait         time.Duration
}

// NewAdmission lets slots run and queue wait, for at most wait.
func NewAdmission(slots, queue int, wait time.Duration) *Admission {
	return &Admission{slots: make(chan struct{}, slots), queue: make(chan struct{}, queue), wait: wait}
}

// Enter takes a slot, which leave gives back. It returns [ErrBusy] if none comes
// free in time, and the context's error if the caller gave up.
func (a *Admission) Enter(ctx context.Context) (leave func(), err error) {
	leave = func() { <-a.slots }
	select {
	case a.slots <- struct{}{}:
		return leave, nil
	default:
	}
	select {
	case a.queue <- struct{}{}:
		defer func() { <-a.queue }()
	default:
		return nil, ErrBusy
	}
	timer := time.NewTimer(a.wait)
	defer timer.Stop()
	select {
	case a.slots <- struct{}{}:
		return leave, nil
	case <-timer.C:
		return nil, ErrBusy
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Handler admits requests. Those for whom there is no room get [Unavailable]; a nil
// refuse answers in JSON.
func (a *Admission) Handler(refuse Refuser) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			leave, err := a.Enter(r.Context())
			if err != nil {
				Unavailable(w, r, refuse)
				return
			}
			defer leave()
			next.ServeHTTP(w, r)
		})
	}
}

// Unavailable answers 503 with a Retry-After of 1 to 5 seconds. The spread keeps
// those who were refused together from coming back together.
func Unavailable(w http.ResponseWriter, r *http.Request, refuse Refuser) {
	if refuse == nil {
		refuse = JSON
	}
	w.Header().Set("Retry-After", strconv.Itoa(1+rand.IntN(5))) //nolint:gosec // a spread, not a secret
	refuse(w, r, http.StatusServiceUnavailable, "temporarily_unavailable", "The server is busy. Try again shortly.")
}
