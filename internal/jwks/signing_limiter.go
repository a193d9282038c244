package jwks

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

const (
	// deskQueue is how many signatures wait for each slot: about a second's worth.
	//
	// Whoever waits has often spent a code or rotated a token already, and must not
	// be refused for what a later caller could be. So this is more than the server
	// lets in at all, and only holds if something is wrong with that.
	limiterQueue = 1000
	// deskPatience is how long they wait.
	limiterWait = 2 * time.Second
)

// desk is where RSA signatures are made. One is slow enough for a burst to keep
// everything else on the machine waiting, so there are only so many at once.
type signingLimiter struct {
	slots, waiting chan struct{}
}

func newSigningLimiter() signingLimiter {
	slots := runtime.GOMAXPROCS(0)
	return signingLimiter{slots: make(chan struct{}, slots), waiting: make(chan struct{}, limiterQueue*slots)}
}

// enter takes a slot until leave is called. Its error is [ErrBusy], or the
// context's if the caller gave up.
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
