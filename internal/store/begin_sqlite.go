package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"
)

// connectWriter makes a connection that does not wait by itself for another process.
// To be able to end its wait, it would have to be watched from a goroutine each time,
// which takes a third of what a short transaction takes of the processor.
func connectWriter(ctx context.Context, to driver.Connector) (*sqliteConn, error) {
	c, err := connectSQLite(ctx, to)
	if err != nil {
		return nil, err
	}
	if _, err := c.exec(ctx, `PRAGMA busy_timeout = 0`); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// begin begins a transaction for who has the turn. It waits for another process that
// is writing as long as ctx and busyPatience allow.
func (w *sqliteWriter) begin(ctx context.Context) (*sqliteConn, error) {
	if w.conn == nil {
		c, err := w.connect(ctx)
		if err != nil {
			return nil, err
		}
		w.conn = c
	}
	err := w.conn.begin(ctx)
	if isBusy(err) {
		err = persist(ctx, func() error { return w.conn.begin(ctx) })
	}
	if err != nil {
		w.discard()
		return nil, fmt.Errorf("begin: %w", asUnavailable(err))
	}
	return w.conn, nil
}

// persist tries again and again as long as act is refused for being busy.
func persist(ctx context.Context, act func() error) error {
	ctx, cancel := context.WithTimeout(ctx, busyPatience)
	defer cancel()
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		err := act()
		if !isBusy(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// discard closes the connection of who has the turn, and with it a transaction that
// came to nothing.
func (w *sqliteWriter) discard() {
	if w.conn != nil {
		w.conn.close()
		w.conn = nil
	}
}

func (c *sqliteConn) begin(ctx context.Context) error {
	_, err := c.exec(context.WithoutCancel(ctx), `BEGIN IMMEDIATE`)
	if isBusy(err) {
		c.broken = nil // nothing has begun
	}
	return err
}

// commit waits for the disk. Where it fails, nothing was written, whatever the
// reason.
func (c *sqliteConn) commit(ctx context.Context) error {
	if _, err := c.exec(context.WithoutCancel(ctx), `COMMIT`); err != nil {
		return fmt.Errorf("commit: %w", asUnavailable(err))
	}
	return nil
}
