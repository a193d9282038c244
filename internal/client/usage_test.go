package client_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
)

// written keeps what is written to it.
type written struct {
	mu    sync.Mutex
	uses  []client.Use
	fault error
	done  chan struct{}
}

func (w *written) NoteUses(_ context.Context, list []client.Use) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.uses = append(w.uses, list...)
	if w.done != nil {
		close(w.done)
		w.done = nil
	}
	return w.fault
}

func TestUsage(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	kept := &written{}
	u := &client.Usage{Store: kept, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)}
	u.Client("b")
	u.Client(client.ConsoleID)
	u.Secret("b", "hash")
	now = now.Add(time.Minute)
	u.Client("b")
	u.Client("a")
	u.Flush(t.Context())
	want := []client.Use{{ClientID: "a", At: now.Local()}, {ClientID: "b", At: now.Local()}, {ClientID: "b", SecretID: client.Secret("hash").ID(), At: now.Add(-time.Minute).Local()}}
	if !slices.Equal(kept.uses, want) {
		t.Errorf("written: %+v, want the last use of each, in order: %+v", kept.uses, want)
	}
	kept.fault = errors.New("down")
	u.Client("a")
	u.Flush(t.Context())
	u.Flush(t.Context())
	if len(kept.uses) != 4 {
		t.Errorf("%d uses written, want 4: what was written or lost is not written again", len(kept.uses))
	}
}

// The first use of a client is written long before the next minute.
func TestFirstUseIsWrittenSoon(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	u := &client.Usage{Store: &written{done: done}, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		u.Run(ctx)
		close(ended)
	}()
	u.Client("rp")
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Error("nothing was written")
	}
	stop()
	<-ended
}
