package db_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/store/db"
	"github.com/ostiary/ostiary/internal/unavailable"
)

func TestUnavailable(t *testing.T) {
	t.Parallel()
	failed := db.Unavailable(io.ErrUnexpectedEOF)
	wrapped := fmt.Errorf("read client: %w", failed)
	for name, tc := range map[string]struct {
		err  error
		want bool
	}{
		"a failure":           {failed, true},
		"a wrapped failure":   {wrapped, true},
		"the result of a row": {io.ErrUnexpectedEOF, false},
		"nothing":             {nil, false},
	} {
		if got := db.IsUnavailable(tc.err); got != tc.want {
			t.Errorf("%s: IsUnavailable = %v, want %v", name, got, tc.want)
		}
		if got := unavailable.Is(tc.err); got != tc.want {
			t.Errorf("%s: unavailable.Is = %v, want %v", name, got, tc.want)
		}
	}
	if !errors.Is(wrapped, io.ErrUnexpectedEOF) {
		t.Errorf("%v does not wrap its cause", wrapped)
	}
	if again := db.Unavailable(wrapped); again != wrapped { //nolint:errorlint // the same error
		t.Errorf("Unavailable of a failure = %v, want it unchanged", again)
	}
	if want := "read client: database unavailable: unexpected EOF"; wrapped.Error() != want {
		t.Errorf("Error = %q, want %q", wrapped.Error(), want)
	}
}

// Retry calls act at most three times, and again only after a conflict.
func TestRetry(t *testing.T) {
	t.Parallel()
	conflict, other := errors.New("conflict"), errors.New("other")
	for name, tc := range map[string]struct {
		results []error
		want    error
		calls   int
	}{
		"success":                {[]error{nil}, nil, 1},
		"another error":          {[]error{other}, other, 1},
		"one conflict":           {[]error{conflict, nil}, nil, 2},
		"two conflicts":          {[]error{conflict, conflict, nil}, nil, 3},
		"only conflicts":         {[]error{conflict, conflict, conflict, nil}, conflict, 3},
		"an error after a retry": {[]error{conflict, other, nil}, other, 2},
	} {
		calls := 0
		err := db.Retry(func(err error) bool { return errors.Is(err, conflict) }, func() error {
			calls++
			return tc.results[calls-1]
		})
		if !errors.Is(err, tc.want) || calls != tc.calls {
			t.Errorf("%s: Retry = %v after %d calls, want %v after %d", name, err, calls, tc.want, tc.calls)
		}
	}
}

func TestSleepEndsWithItsContext(t *testing.T) {
	t.Parallel()
	if err := db.Sleep(t.Context(), time.Nanosecond); err != nil {
		t.Errorf("Sleep = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.Sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("Sleep = %v, want %v", err, context.Canceled)
	}
}
