package flows

import (
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/ostiary/ostiary/bench/load"
)

// preparers is the number of goroutines that prepare operations.
const preparers = 8

// pool holds values that operations consume, prepared outside of the measured time.
// Each item is taken once.
type pool[T any] struct {
	items []T
	taken atomic.Int64
}

// take returns the next item, or [load.ErrEmpty].
func (s *pool[T]) take() (T, error) {
	i := s.taken.Add(1) - 1
	if i >= int64(len(s.items)) {
		var zero T
		return zero, load.ErrEmpty
	}
	return s.items[i], nil
}

// fill replaces all items by n new ones, since old ones may have expired. Makers is
// the number of goroutines; maker returns the function that one of them calls. No
// caller may take items at the same time.
func (s *pool[T]) fill(n, makers int, maker func(i int) (func() (T, error), error)) error {
	var mu sync.Mutex
	items := make([]T, 0, n)
	var started atomic.Int64
	var group errgroup.Group
	for i := range min(makers, n) {
		group.Go(func() error {
			produce, err := maker(i)
			if err != nil {
				return err
			}
			for started.Add(1) <= int64(n) {
				item, err := retryWhileRefused(produce)
				if err != nil {
					return err
				}
				mu.Lock()
				items = append(items, item)
				mu.Unlock()
			}
			return nil
		})
	}
	err := group.Wait()
	s.items = items
	s.taken.Store(0)
	return err
}
