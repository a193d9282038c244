package store

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// A lane carries the single statements of many requests over few connections.
// While one batch is under way, what comes meanwhile waits and goes together in
// the next: one round trip and, of what writes, one commit for all of them. The
// longer the database takes, the more go together. Who comes alone goes at once.
//
// A batch is one transaction. Where one statement fails, none of the batch has
// happened, and each of them is run by itself.
const (
	// lanesWide is how many batches of a kind are under way at once. Some, so that a
	// statement which waits for a lock holds up its own batch alone; few, so that
	// others gather meanwhile.
	lanesWide = 4
	// batchLongest bounds what waits for the slowest of its batch.
	batchLongest = 64
)

// errLost is what is known of a statement whose batch never came to an end.
var errLost = errors.New("the batch was lost")

// errand is one statement and what becomes of it.
type errand struct {
	statement string
	args      []any
	visit     func(scanner) error // of each row, again if the batch failed; nil where only the number counts

	affected int64
	amiss    error // what its own visit said
	err      error

	woken chan struct{} // closed when it is done, or when it is its turn to lead
	leads bool          // it was woken to carry the next batch
}

// run runs the errand by itself.
func (e *errand) run(ctx context.Context, on pgStatements) (err error) {
	if e.visit != nil {
		return on.each(ctx, e.visit, e.statement, e.args...)
	}
	e.affected, err = on.exec(ctx, e.statement, e.args...)
	return err
}

// collect takes the errand's part of the answer to a batch. It reports an error
// that ended the batch; one of its own visit is the errand's alone.
func (e *errand) collect(answers pgx.BatchResults) error {
	rows, err := answers.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	e.amiss = nil
	for e.visit != nil && e.amiss == nil && rows.Next() {
		e.amiss = e.visit(rows)
	}
	rows.Close()
	e.affected = rows.CommandTag().RowsAffected()
	return rows.Err()
}

// lane is a conn whose statements travel in batches.
type lane struct {
	engine *postgres

	mu      sync.Mutex
	leading int
	waiting []*errand
}

func (l *lane) exec(ctx context.Context, statement string, args ...any) (int64, error) {
	e := &errand{statement: statement, args: args}
	l.send(ctx, e)
	return e.affected, e.err
}

func (l *lane) each(ctx context.Context, visit func(scanner) error, statement string, args ...any) error {
	e := &errand{statement: statement, args: args, visit: visit}
	l.send(ctx, e)
	return e.err
}

// send returns when e is done. The caller carries a batch itself if fewer than
// lanesWide others do.
func (l *lane) send(ctx context.Context, e *errand) {
	if ctx.Err() != nil {
		e.err = &unavailable{ctx.Err()}
		return
	}
	l.mu.Lock()
	if l.leading == lanesWide {
		e.woken = make(chan struct{})
		l.waiting = append(l.waiting, e)
		l.mu.Unlock()
		if !l.await(ctx, e) {
			return
		}
		l.mu.Lock()
	} else {
		l.leading++
	}
	batch := l.take(e)
	l.mu.Unlock()
	defer l.finish(batch, e)
	l.engine.carry(ctx, batch)
}

// take returns the batch that e carries: itself and who waits. The caller holds
// the lock.
func (l *lane) take(e *errand) []*errand {
	n := min(len(l.waiting), batchLongest-1)
	batch := append([]*errand{e}, l.waiting[:n]...)
	l.waiting = slices.Delete(l.waiting, 0, n)
	for _, each := range batch {
		each.err = &unavailable{errLost}
	}
	return batch
}

// finish wakes those whose batch is done and the one who carries the next, if any
// waits.
func (l *lane) finish(batch []*errand, carrier *errand) {
	for _, e := range batch {
		if e != carrier {
			close(e.woken)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.leading--
		return
	}
	next := l.waiting[0]
	l.waiting = slices.Delete(l.waiting, 0, 1)
	next.leads = true
	close(next.woken)
}

// await returns true when it is e's turn to carry a batch, false when e is done or
// has waited for too long.
func (l *lane) await(ctx context.Context, e *errand) bool {
	patience := time.NewTimer(acquirePatience)
	defer patience.Stop()
	var late error
	select {
	case <-e.woken:
		return e.leads
	case <-ctx.Done():
		late = ctx.Err()
	case <-patience.C:
		late = context.DeadlineExceeded
	}
	if l.leave(e) {
		e.err = &unavailable{late}
		return false
	}
	<-e.woken // under way: it ends soon, and its rows are still being written
	return e.leads
}

// leave takes e out of those waiting, and reports whether it was among them still.
func (l *lane) leave(e *errand) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.waiting, e)
	if i < 0 {
		return false
	}
	l.waiting = slices.Delete(l.waiting, i, i+1)
	return true
}

// carry runs a batch. It does not end with the request of who carries it.
func (p *postgres) carry(ctx context.Context, batch []*errand) {
	ctx = context.WithoutCancel(ctx)
	if len(batch) == 1 {
		p.alone(ctx, batch[0])
		return
	}
	slices.SortStableFunc(batch, compareKeys)
	err := p.lendFor(ctx, requestPatience, func(ctx context.Context, c *pgx.Conn) error {
		return interpretPostgres(c, together(ctx, c, batch))
	})
	if _, failed := errors.AsType[*unavailable](err); failed {
		for _, e := range batch {
			e.err = err
		}
		return
	}
	for _, e := range batch {
		if e.err = e.amiss; err != nil {
			p.alone(ctx, e)
		}
	}
}

// alone runs one errand by itself.
func (p *postgres) alone(ctx context.Context, e *errand) {
	e.err = p.lendFor(ctx, requestPatience, func(ctx context.Context, c *pgx.Conn) error {
		return e.run(ctx, pgStatements{c, c})
	})
}

// together runs a batch as one transaction in one round trip.
func together(ctx context.Context, c *pgx.Conn, batch []*errand) error {
	var queued pgx.Batch
	for _, e := range batch {
		queued.Queue(e.statement, e.args...)
	}
	answers := c.SendBatch(ctx, &queued)
	for _, e := range batch {
		if err := e.collect(answers); err != nil {
			_ = answers.Close() // says the same once more
			return err
		}
	}
	return answers.Close()
}

// compareKeys orders a batch by what its statements have for keys, their first two
// arguments, so that two batches never each hold a row that the other waits for.
func compareKeys(a, b *errand) int {
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
