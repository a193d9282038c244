package flows

import (
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/ostiary/ostiary/bench/load"
)

// preparers is how many goroutines prepare operations.
const preparers = 8

// stock holds what operations need that was prepared outside the measured time.
// Each piece is taken once.
type stock[T any] struct {
	pieces []T
	taken  atomic.Int64
}

// take returns the next piece, or [load.ErrEmpty].
func (s *stock[T]) take() (T, error) {
	i := s.taken.Add(1) - 1
	if i >= int64(len(s.pieces)) {
		var none T
		return none, load.ErrEmpty
	}
	return s.pieces[i], nil
}

// fill makes n pieces anew, by so many makers at once, and throws away what was
// left: it may have become too old. Nobody may take meanwhile.
func (s *stock[T]) fill(n, makers int, maker func(i int) (func() (T, error), error)) error {
	var mu sync.Mutex
	pieces := make([]T, 0, n)
	var wanted atomic.Int64
	var making errgroup.Group
	for i := range min(makers, n) {
		making.Go(func() error {
			produce, err := maker(i)
			if err != nil {
				return err
			}
			for wanted.Add(1) <= int64(n) {
				piece, err := persist(produce)
				if err != nil {
					return err
				}
				mu.Lock()
				pieces = append(pieces, piece)
				mu.Unlock()
			}
			return nil
		})
	}
	err := making.Wait()
	s.pieces = pieces
	s.taken.Store(0)
	return err
}
