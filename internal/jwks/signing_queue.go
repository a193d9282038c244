package jwks

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/ostiary/ostiary/internal/admission"
)

const (
	// signingQueue is the number of signatures that may wait per slot: about one second
	// of work.
	//
	// A waiting request has often redeemed a code or rotated a token already, and must
	// not be rejected in favour of a later one. So the limit is above the number of
	// requests that admission lets in, and is reached only if admission fails.
	signingQueue = 1000
	// signingWait is the longest wait for a slot.
	signingWait = 2 * time.Second
)

// newSigningQueue returns the queue of RSA signatures. They are slow, and a burst of them
// would delay all other work on the machine.
func newSigningQueue() *admission.Queue {
	slots := runtime.GOMAXPROCS(0)
	return admission.New(slots, signingQueue*slots, signingWait)
}

// acquire takes a slot for a signature. It returns [ErrBusy] if none becomes free in time,
// or the error of ctx.
func acquire(ctx context.Context, queue *admission.Queue) (admission.Slot, error) {
	slot, err := queue.Acquire(ctx)
	if errors.Is(err, admission.ErrBusy) {
		return slot, ErrBusy
	}
	if err != nil {
		return slot, fmt.Errorf("wait to sign: %w", ctx.Err())
	}
	return slot, nil
}
