package store

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// errCutOff reports a batch whose goroutine ended in the middle of it.
var errCutOff = errors.New("the transaction was given up")

// writing is what somebody wants written.
type writing struct {
	run  func(*sqliteConn) error
	done chan struct{} // for who waits: closed when it is committed, or came to nothing

	err      error
	panicked string // what run ended in, if it did not return
}

// do runs it. A panic is its owner's, not of whoever runs it for them.
func (one *writing) do(c *sqliteConn) {
	returned := false
	defer func() {
		if !returned {
			one.panicked = fmt.Sprintf("%v\n\n%s", recover(), debug.Stack())
		}
	}()
	one.err = one.run(c)
	returned = true
}

// end lets its owner go on. Where the transaction failed, what the statement itself
// came to counts no more: it may have seen what others wrote in vain.
func (one *writing) end(failed error) {
	if failed != nil {
		one.err = failed
	}
	if one.done != nil {
		close(one.done)
	}
}

func (one *writing) outcome() error {
	if one.panicked != "" {
		panic(one.panicked)
	}
	return one.err
}

// lead does the caller's work, who has the turn, and that of others who wait, up to
// most together. Then it passes the turn on.
func (w *sqliteWriter) lead(ctx context.Context, mine *writing, most int) error {
	w.batch(ctx, mine, most)
	return mine.outcome()
}

// batch takes others out of the queue only after the transaction has begun, so that
// nobody waits for another process longer than they want to.
func (w *sqliteWriter) batch(ctx context.Context, mine *writing, most int) {
	defer func() { <-w.turn }()
	c, err := w.begin(ctx)
	if err != nil {
		mine.err = err
		return
	}
	var batch []*writing
	err = &unavailable{errCutOff}
	defer func() {
		if err != nil {
			w.discard()
		}
		for _, one := range batch {
			one.end(err)
		}
	}()

	late := time.NewTimer(w.patience)
	defer late.Stop()
	for next := mine; next != nil; next = w.another(len(batch), most, late.C) {
		batch = append(batch, next)
		next.do(c)
		if c.broken != nil {
			err = c.broken
			return
		}
	}
	err = c.commit(ctx)
}

// another returns what a batch of some takes up next, nil if that is all.
func (w *sqliteWriter) another(some, most int, late <-chan time.Time) *writing {
	select {
	case <-late:
		return nil
	default:
	}
	if some == most {
		return nil
	}
	return w.next()
}
