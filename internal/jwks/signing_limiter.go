package jwks

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

const (
	// limiterQueue is the number of signatures that may wait per slot: about one second
	// of work.
	//
	// A waiting request has often redeemed a code or rotated a token already, and must
	// not be rejected in favour of a later one. So the limit is above the number of
	// requests that admission lets in, and only takes effect if admission fails.
	limiterQueue = 1000
	// limiterWait is the longest wait for a slot.
	limiterWait = 2 * time.Second
)

// signingLimiter limits concurrent RSA signatures. They are slow, and a burst of them would
// delay all other work on the machine.
type signingLimiter struct {
	slots, waiting chan struct{}
}

func newSigningLimiter() signingLimiter {
	slots := runtime.GOMAXPROCS(0)
	return signingLimiter{slots: make(chan struct{}, slots), waiting: make(chan struct{}, limiterQueue*slots)}
}

// acquire takes a slot until leave is called. It returns [ErrBusy] if none becomes free in
// time, or the error of ctx.
func (d signingLimiter) acquire(ctx context.Context) (leave func(), err error) {
	leave = func() { <-d.slots }
	select {
	case d.slots <- struct{}{}:
		return leave, nil
	default:
	}
	select {
	case d.waiting <- struct{}{}:
		defer func() { <-d.waiting }()
	default:
		return nil, ErrBusy
	}
	timer := time.NewTimer(limiterWait)
	defer timer.Stop()
	select {
	case d.slots <- struct{}{}:
		return leave, nil
	case <-timer.C:
		return nil, ErrBusy
	case <-ctx.Done():
		return nil, fmt.Errorf("wait to sign: %w", ctx.Err())
	}
}
