package postgres

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ostiary/ostiary/internal/store/db"
)

const (
	// maxLeaders is the number of batches of a pipeline that run at the same time. It is
	// more than one, so that a statement that waits for a lock delays only its own batch,
	// and small, so that other statements collect in the queue in the meantime.
	maxLeaders = 4
	// maxBatch bounds the statements of a batch.
	maxBatch = 64
)

// errLost is the error of a statement whose batch did not complete.
var errLost = db.Unavailable(errors.New("the batch was lost"))

// statement is a queued statement and its result.
type statement struct {
	text  string
	args  []any
	visit func(db.Scanner) error // for each row, again if the batch failed; nil if only the number of rows counts

	affected int64
	visitErr error
	err      error

	// next is the following statement of the same transaction, nil for the last one. Only the
	// first one has an error.
	next *statement

	woken chan struct{} // closed when the statement is done, or when it must lead a batch
	leads bool          // it was woken to flush the next batch
}

// run runs the statement, or its transaction, alone.
func (s *statement) run(ctx context.Context, c *pgx.Conn) (err error) {
	if s.next != nil {
		return classify(c, runBatch(ctx, c, []*statement{s}))
	}
	on := statements{c, c}
	if s.visit != nil {
		return on.Query(ctx, s.visit, s.text, s.args...)
	}
	s.affected, err = on.Exec(ctx, s.text, s.args...)
	return err
}

// collectAll reads the results of the transaction that begins with s.
func (s *statement) collectAll(results pgx.BatchResults) error {
	for each := s; each != nil; each = each.next {
		if err := each.collect(results); err != nil {
			return err
		}
	}
	return nil
}

// collect reads the statement's part of the results of a batch. It returns an error
// that ended the batch. An error of visit affects only this statement.
func (s *statement) collect(results pgx.BatchResults) error {
	rows, err := results.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	s.visitErr = nil
	for s.visit != nil && s.visitErr == nil && rows.Next() {
		s.visitErr = s.visit(rows)
	}
	rows.Close()
	s.affected = rows.CommandTag().RowsAffected()
	return rows.Err()
}

// pipeline sends the single statements of many requests over a few connections. While a
// batch is running, new statements queue and form the next one: one round trip and, for
// writes, one commit for all of them. The slower the database, the larger the batches.
// A statement that finds no batch running is sent immediately.
//
// A batch is one transaction. If a statement fails, the batch is rolled back and each
// of its statements runs alone. Statements that belong together count as one.
type pipeline struct {
	pool *pool

	mu      sync.Mutex
	leaders int
	queue   []*statement
}

// Exec implements [db.Runner].
func (p *pipeline) Exec(ctx context.Context, text string, args ...any) (int64, error) {
	s := &statement{text: text, args: args}
	p.send(ctx, s)
	return s.affected, s.err
}

// Query implements [db.Runner].
func (p *pipeline) Query(ctx context.Context, visit func(db.Scanner) error, text string, args ...any) error {
	s := &statement{text: text, args: args, visit: visit}
	p.send(ctx, s)
	return s.err
}

// batch runs the statements of one transaction, in a batch with those of other requests.
func (p *pipeline) batch(ctx context.Context, list []db.Statement) error {
	var first *statement
	for _, each := range slices.Backward(list) {
		first = &statement{text: each.Text, args: each.Args, next: first}
	}
	if first == nil {
		return nil
	}
	p.send(ctx, first)
	return first.err
}

// send returns when s is done. The caller becomes the leader of a batch if there are
// fewer than maxLeaders.
func (p *pipeline) send(ctx context.Context, s *statement) {
	if ctx.Err() != nil {
		s.err = db.Unavailable(ctx.Err())
		return
	}
	p.mu.Lock()
	if p.leaders == maxLeaders {
		s.woken = make(chan struct{})
		p.queue = append(p.queue, s)
		p.mu.Unlock()
		if !p.await(ctx, s) {
			return
		}
		p.mu.Lock()
	} else {
		p.leaders++
	}
	batch := p.take(s)
	p.mu.Unlock()
	defer p.finish(batch, s)
	p.flush(ctx, batch)
}

// take returns the batch that s leads: s and the queued statements. The caller holds
// the lock.
func (p *pipeline) take(s *statement) []*statement {
	n := min(len(p.queue), maxBatch-1)
	batch := append([]*statement{s}, p.queue[:n]...)
	p.queue = slices.Delete(p.queue, 0, n)
	for _, each := range batch {
		each.err = errLost
	}
	return batch
}

// finish wakes the callers of a batch and the leader of the next one, if the queue is
// not empty.
func (p *pipeline) finish(batch []*statement, leader *statement) {
	for _, s := range batch {
		if s != leader {
			close(s.woken)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		p.leaders--
		return
	}
	next := p.queue[0]
	p.queue = slices.Delete(p.queue, 0, 1)
	next.leads = true
	close(next.woken)
}

// await returns true when s must lead a batch, false when s is done or has waited for
// too long.
func (p *pipeline) await(ctx context.Context, s *statement) bool {
	timeout := time.NewTimer(acquireTimeout)
	defer timeout.Stop()
	var late error
	select {
	case <-s.woken:
		return s.leads
	case <-ctx.Done():
		late = ctx.Err()
	case <-timeout.C:
		late = context.DeadlineExceeded
	}
	if p.remove(s) {
		s.err = db.Unavailable(late)
		return false
	}
	<-s.woken // its batch is running: it ends soon, and still writes to the rows of s
	return s.leads
}

// remove removes s from the queue, and reports whether it was still there.
func (p *pipeline) remove(s *statement) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.queue, s)
	if i < 0 {
		return false
	}
	p.queue = slices.Delete(p.queue, i, i+1)
	return true
}

// flush runs a batch. It does not end with the request of its leader.
func (p *pipeline) flush(ctx context.Context, batch []*statement) {
	ctx = context.WithoutCancel(ctx)
	if len(batch) == 1 {
		p.runAlone(ctx, batch[0])
		return
	}
	slices.SortStableFunc(batch, compareKeys)
	err := p.pool.withDeadline(ctx, db.RequestTimeout, func(ctx context.Context, c *pgx.Conn) error {
		return classify(c, runBatch(ctx, c, batch))
	})
	if db.IsUnavailable(err) {
		for _, s := range batch {
			s.err = err
		}
		return
	}
	for _, s := range batch {
		if s.err = s.visitErr; err != nil {
			p.runAlone(ctx, s)
		}
	}
}

func (p *pipeline) runAlone(ctx context.Context, s *statement) {
	s.err = p.pool.withDeadline(ctx, db.RequestTimeout, func(ctx context.Context, c *pgx.Conn) error {
		return s.run(ctx, c)
	})
}

// runBatch runs a batch as one transaction in one round trip.
func runBatch(ctx context.Context, c *pgx.Conn, batch []*statement) error {
	var queued pgx.Batch
	for _, s := range batch {
		for each := s; each != nil; each = each.next {
			queued.Queue(each.text, each.args...)
		}
	}
	results := c.SendBatch(ctx, &queued)
	for _, s := range batch {
		if err := s.collectAll(results); err != nil {
			_ = results.Close() // returns the same error again
			return err
		}
	}
	return results.Close()
}

// compareKeys orders a batch by the keys of its statements, which are their first two
// arguments, so that no two batches each hold a row lock that the other waits for.
func compareKeys(a, b *statement) int {
	for i := range min(len(a.args), len(b.args), 2) {
		if order := compareKey(a.args[i], b.args[i]); order != 0 {
			return order
		}
	}
	return 0
}

func compareKey(a, b any) int {
	switch a := a.(type) {
	case int64:
		if b, ok := b.(int64); ok {
			return cmp.Compare(a, b)
		}
	case string:
		if b, ok := b.(string); ok {
			return cmp.Compare(a, b)
		}
	case []byte:
		if b, ok := b.([]byte); ok {
			return bytes.Compare(a, b)
		}
	}
	return cmp.Compare(kindOfKey(a), kindOfKey(b))
}

func kindOfKey(key any) int {
	switch key.(type) {
	case int64:
		return 1
	case string:
		return 2
	case []byte:
		return 3
	default:
		return 0
	}
}
