package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/store/db"
)

// connectWriter opens a connection on which SQLite itself does not wait for another
// process. Ending such a wait would take a goroutine for each transaction, a third of
// the processor time of a short one.
func connectWriter(ctx context.Context, to driver.Connector) (*conn, error) {
	c, err := connect(ctx, to)
	if err != nil {
		return nil, err
	}
	if _, err := c.Exec(ctx, `PRAGMA busy_timeout = 0`); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// begin begins a transaction for the holder of the lock. It waits for another process
// that is writing as long as ctx and busyTimeout allow.
func (w *writer) begin(ctx context.Context) (*conn, error) {
	if w.conn == nil {
		c, err := w.connect(ctx)
		if err != nil {
			return nil, err
		}
		w.conn = c
	}
	err := w.conn.begin(ctx)
	if isBusy(err) {
		err = retryBusy(ctx, func() error { return w.conn.begin(ctx) })
	}
	if err != nil {
		w.discard()
		return nil, fmt.Errorf("begin: %w", db.Unavailable(err))
	}
	return w.conn, nil
}

// retryBusy runs act again while it returns SQLITE_BUSY.
func retryBusy(ctx context.Context, act func() error) error {
	ctx, cancel := context.WithTimeout(ctx, busyTimeout)
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

// discard closes the connection of the writer, and with it an open transaction. The
// caller holds the lock.
func (w *writer) discard() {
	if w.conn != nil {
		w.conn.close()
		w.conn = nil
	}
}

func (c *conn) begin(ctx context.Context) error {
	_, err := c.Exec(context.WithoutCancel(ctx), `BEGIN IMMEDIATE`)
	if isBusy(err) {
		c.broken = nil // no transaction has begun
	}
	return err
}

// commit waits for the disk. After an error nothing is written.
func (c *conn) commit(ctx context.Context) error {
	if _, err := c.Exec(context.WithoutCancel(ctx), `COMMIT`); err != nil {
		return fmt.Errorf("commit: %w", db.Unavailable(err))
	}
	return nil
}
