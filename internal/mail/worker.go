package mail

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/ostiary/ostiary/internal/outbox"
)

// Store stores messages.
type Store interface {
	// NextMail returns when the first pending message is due, and ErrNotFound if there is none.
	NextMail(ctx context.Context) (time.Time, error)
	// ClaimMail claims a due message until lease, and returns ErrNotFound if there is none.
	ClaimMail(ctx context.Context, now, lease time.Time) (*Message, error)
	PostponeMail(ctx context.Context, m *Message, dueAt time.Time) error
	EndMail(ctx context.Context, m *Message, state State, now time.Time) error
}

const (
	// lease is how long a claim lasts, longer than a delivery. A process that has not sent
	// the message by then has died.
	lease = time.Minute
	// pollInterval is how often the store is checked for messages of other processes.
	pollInterval = 5 * time.Second
	// concurrent is the number of concurrent connections to the mail server.
	concurrent = 4
)

// Worker sends the messages of the outbox. Every replica runs one.
type Worker struct {
	Store    Store
	Sender   *Sender
	Composer Composer
	// Complete creates the link of a message, or returns ErrUnwanted if the message is not to
	// be sent. It may change the kind and the language of the message.
	Complete func(ctx context.Context, m *Message, now time.Time) (Secret, error)
	Now      func() time.Time
	Log      *slog.Logger

	wake chan struct{}
}

// NewWorker returns w, ready to run.
func NewWorker(w Worker) *Worker {
	w.wake = make(chan struct{}, 1)
	return &w
}

// Wake reports that there may be new messages. It has no effect on a nil worker, that of a
// server without a mail server.
func (w *Worker) Wake() {
	if w == nil {
		return
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run sends messages until ctx ends, and then waits for the running deliveries.
func (w *Worker) Run(ctx context.Context) {
	if w == nil {
		return
	}
	var running sync.WaitGroup
	defer running.Wait()
	slots := make(chan struct{}, concurrent)
	for {
		select {
		case <-ctx.Done():
			return
		case slots <- struct{}{}:
		}
		now := w.Now()
		m, err := w.Store.ClaimMail(ctx, now, now.Add(lease))
		if err != nil {
			<-slots
			if !w.rest(ctx, err) {
				return
			}
			continue
		}
		running.Go(func() {
			defer func() { <-slots }()
			// The delivery does not end with ctx, so that its result is recorded.
			w.deliver(context.WithoutCancel(ctx), m)
		})
	}
}

// rest waits for the next message after a claim failed with err. It returns false if ctx ends.
func (w *Worker) rest(ctx context.Context, err error) bool {
	wait := pollInterval/2 + rand.N(pollInterval/2) //nolint:gosec // not a credential
	if errors.Is(err, ErrNotFound) {
		if next, nextErr := w.Store.NextMail(ctx); nextErr == nil {
			// A message that is due now is being claimed by another replica.
			wait = min(wait, max(next.Sub(w.Now()), 50*time.Millisecond))
		}
	} else if ctx.Err() == nil {
		w.Log.LogAttrs(ctx, slog.LevelWarn, "due messages not read", slog.Any("error", err))
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-w.wake:
	case <-timer.C:
	}
	return true
}

// deliver sends a claimed message and stores the result.
func (w *Worker) deliver(ctx context.Context, m *Message) {
	err := w.send(ctx, m)
	m.LastError = ""
	if err != nil {
		m.LastError = strings.ReplaceAll(outbox.Shorten(err), m.To, "the recipient")
	}
	now := w.Now()
	retryAt := now.Add(outbox.Backoff(m.Attempts))
	switch {
	case err == nil:
		w.end(ctx, m, Sent, slog.LevelInfo, "message sent", now)
	case errors.Is(err, ErrUnwanted):
		w.end(ctx, m, Discarded, slog.LevelDebug, "message discarded", now)
	case errors.Is(err, ErrRefused) || retryAt.After(m.ExpiresAt):
		w.end(ctx, m, Failed, slog.LevelWarn, "message failed", now)
	default:
		w.Log.LogAttrs(ctx, slog.LevelWarn, "message not sent, will retry", attrs(m)...)
		w.logUnstored(ctx, m, w.Store.PostponeMail(ctx, m, retryAt))
		w.Wake() // to wait no longer than until retryAt
	}
}

func (w *Worker) send(ctx context.Context, m *Message) error {
	now := w.Now()
	secret, err := w.Complete(ctx, m, now)
	if err != nil {
		return err
	}
	text, err := w.Composer.compose(m, secret)
	if err != nil {
		return err
	}
	return w.Sender.send(ctx, m, text, now)
}

func (w *Worker) end(ctx context.Context, m *Message, state State, level slog.Level, event string, now time.Time) {
	w.Log.LogAttrs(ctx, level, event, attrs(m)...) //nolint:sloglint // of the callers, which are constant
	w.logUnstored(ctx, m, w.Store.EndMail(ctx, m, state, now))
}

// attrs returns the log attributes of a message. The address is not in the log.
func attrs(m *Message) []slog.Attr {
	list := []slog.Attr{slog.String("mail", m.ID), slog.String("kind", string(m.Kind)), slog.Int("attempts", m.Attempts)}
	if m.Subject != "" {
		list = append(list, slog.String("subject", m.Subject))
	}
	if m.LastError != "" {
		list = append(list, slog.String("fault", m.LastError))
	}
	return list
}

// logUnstored logs that the result of a delivery was not stored. The message is then sent
// again when its claim ends.
func (w *Worker) logUnstored(ctx context.Context, m *Message, err error) {
	if err != nil {
		w.Log.LogAttrs(ctx, slog.LevelWarn, "result of a message not stored", slog.String("mail", m.ID), slog.Any("error", err))
	}
}
