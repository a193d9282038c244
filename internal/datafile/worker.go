package datafile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/ostiary/ostiary/internal/keyring"
)

const (
	// lease is how long a claim lasts, longer than it takes to make a file. A process that has
	// not stored the file by then has died or failed; the file is made again.
	lease = time.Minute
	// pollInterval is how often the store is checked for requests of other processes.
	pollInterval = 5 * time.Second
)

// Worker makes the requested files, one after the other. Every replica runs one.
type Worker struct {
	Store   Store
	Sources Sources
	Secrets *keyring.Keyring
	Now     func() time.Time
	Log     *slog.Logger

	wake chan struct{}
}

// NewWorker returns w, ready to run.
func NewWorker(w Worker) *Worker {
	w.wake = make(chan struct{}, 1)
	return &w
}

// Wake reports that there may be a new request.
func (w *Worker) Wake() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run makes files until ctx ends.
func (w *Worker) Run(ctx context.Context) {
	for ctx.Err() == nil {
		err := w.MakeNext(ctx)
		if err == nil {
			continue
		}
		if !errors.Is(err, ErrNotFound) && ctx.Err() == nil {
			w.Log.LogAttrs(ctx, slog.LevelWarn, "data file not made", slog.Any("error", err))
		}
		w.rest(ctx)
	}
}

// rest waits for a request.
func (w *Worker) rest(ctx context.Context) {
	timer := time.NewTimer(pollInterval/2 + rand.N(pollInterval/2)) //nolint:gosec // not a credential
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-w.wake:
	case <-timer.C:
	}
}

// MakeNext makes one requested file. It returns [ErrNotFound] if there is none.
func (w *Worker) MakeNext(ctx context.Context) error {
	now := w.Now()
	f, err := w.Store.ClaimDataFile(ctx, now, now.Add(lease))
	if err != nil {
		return err
	}
	if err := w.make(ctx, f); err != nil {
		return fmt.Errorf("file of account %s, attempt %d: %w", f.Subject, f.Attempts, err)
	}
	return nil
}

func (w *Worker) make(ctx context.Context, f *File) error {
	f.MadeAt = w.Now()
	f.ExpiresAt = f.MadeAt.Add(Lifetime)
	text, err := w.Sources.write(ctx, f.Subject, f.MadeAt)
	if err != nil {
		return err
	}
	packed, err := pack(text)
	if err != nil {
		return err
	}
	sealed, err := w.Secrets.Seal(purpose(f.Subject), packed)
	if err != nil {
		return fmt.Errorf("seal data file: %w", err)
	}
	return w.Store.SaveDataFile(ctx, f, sealed)
}
