package flows

import (
	"errors"
	"time"

	"github.com/ostiary/ostiary/bench/load"
)

// persist does something outside of the measured time, and again as long as the
// server has too much to do for it.
func persist[T any](do func() (T, error)) (T, error) {
	const tries, pause = 100, 100 * time.Millisecond
	for try := 1; ; try++ {
		done, err := do()
		if _, refused := errors.AsType[*load.RefusedError](err); !refused || try == tries {
			return done, err
		}
		time.Sleep(pause)
	}
}
