package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/ostiary/ostiary/internal/store/db"
)

// errAbandoned reports a group whose leader's goroutine ended before the commit.
var errAbandoned = errors.New("the transaction was given up")

// write is the write of one caller, and its result.
type write struct {
	run  func(*conn) error
	done chan struct{} // closed when the group is committed or has failed; nil for a leader that did not queue

	err      error
	panicked string // the panic of run, if it did not return
}

// do runs the write. A panic reaches its own caller, not the leader that runs it.
func (one *write) do(c *conn) {
	returned := false
	defer func() {
		if !returned {
			one.panicked = fmt.Sprintf("%v\n\n%s", recover(), debug.Stack())
		}
	}()
	one.err = one.run(c)
	returned = true
}

// finish wakes the caller. If the transaction failed, its error replaces the result of
// the statement, which may have read data of the group that was not committed.
func (one *write) finish(failed error) {
	if failed != nil {
		one.err = failed
	}
	if one.done != nil {
		close(one.done)
	}
}

func (one *write) result() error {
	if one.panicked != "" {
		panic(one.panicked)
	}
	return one.err
}

// lead runs the write of the caller, which holds the lock, and up to limit-1 queued ones.
// Then it releases the lock.
func (w *writer) lead(ctx context.Context, own *write, limit int) error {
	w.commitGroup(ctx, own, limit)
	return own.result()
}

// commitGroup takes writes from the queue only after the transaction has begun, so that
// their callers do not wait for another process longer than their contexts allow.
func (w *writer) commitGroup(ctx context.Context, own *write, limit int) {
	defer func() { <-w.lock }()
	c, err := w.begin(ctx)
	if err != nil {
		own.err = err
		return
	}
	var group []*write
	err = db.Unavailable(errAbandoned)
	defer func() {
		if err != nil {
			w.discard()
		}
		for _, one := range group {
			one.finish(err)
		}
	}()

	late := time.NewTimer(w.timeout)
	defer late.Stop()
	for next := own; next != nil; next = w.next(len(group), limit, late.C) {
		group = append(group, next)
		next.do(c)
		if c.broken != nil {
			err = c.broken
			return
		}
	}
	err = c.commit(ctx)
}

// next returns the next write for a group of the given size, nil if the group is
// complete.
func (w *writer) next(size, limit int, late <-chan time.Time) *write {
	select {
	case <-late:
		return nil
	default:
	}
	if size == limit {
		return nil
	}
	return w.dequeue()
}
