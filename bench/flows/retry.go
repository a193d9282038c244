package flows

import (
	"errors"
	"time"

	"github.com/ostiary/ostiary/bench/load"
)

// retryWhileRefused prepares something outside of the measured time. It retries
// while the server is overloaded (429 or 503).
func retryWhileRefused[T any](do func() (T, error)) (T, error) {
	const tries, pause = 100, 100 * time.Millisecond
	for try := 1; ; try++ {
		done, err := do()
		if _, refused := errors.AsType[*load.RefusedError](err); !refused || try == tries {
			return done, err
		}
		time.Sleep(pause)
	}
}
