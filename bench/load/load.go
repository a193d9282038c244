// Package load calls and measures: again and again as fast as answers come
// ([Closed]), or at given moments whatever comes ([Open]).
package load

import (
	"errors"
	"fmt"
	"time"
)

// Caller is one caller of a server. Call does one operation and checks the
// answer; it is for one goroutine.
type Caller interface {
	Call() error
}

// ErrEmpty is what a caller returns who has nothing left to call with.
var ErrEmpty = errors.New("what was prepared is used up")

// RefusedError is the answer of a server that has too much to do: 429 or 503.
type RefusedError struct {
	Status int
	// After says whether the server told when to come again.
	After bool
}

func (r *RefusedError) Error() string { return fmt.Sprintf("refused with %d", r.Status) }

// shownErrors is how many errors are kept to be shown.
const shownErrors = 3

// Tally is what was measured.
type Tally struct {
	// Latency is that of operations that succeeded, which are the only ones in it.
	Latency Histogram
	// Sent is Latency counted from when a request left, in an open loop: without the
	// time for which an operation that was due waited for a caller.
	Sent Histogram
	// Refusal is how long refusals took.
	Refusal Histogram
	// Told is how many of the refusals said when to come again.
	Told uint64
	// Errors is how many operations went wrong, and Shown the first of them.
	Errors uint64
	Shown  []string
	// Unsent is how many operations were due in an open loop and not begun, for want
	// of a free caller, when it ended.
	Unsent uint64
	// Elapsed is how long it took.
	Elapsed time.Duration
}

// Merge adds another tally, one that was taken at another time.
func (t *Tally) Merge(other *Tally) {
	t.merge(other)
	t.Elapsed += other.Elapsed
}

// merge adds the tally of a caller of the same time.
func (t *Tally) merge(other *Tally) {
	t.Latency.Merge(&other.Latency)
	t.Sent.Merge(&other.Sent)
	t.Refusal.Merge(&other.Refusal)
	t.Told += other.Told
	t.Errors += other.Errors
	t.Unsent += other.Unsent
	for _, text := range other.Shown {
		t.show(text)
	}
}

// Rate is how many operations succeeded in a second.
func (t *Tally) Rate() float64 {
	if t.Elapsed == 0 {
		return 0
	}
	return float64(t.Latency.Count()) / t.Elapsed.Seconds()
}

// count notes how an operation went.
func (t *Tally) count(took time.Duration, err error) {
	refused, isRefusal := errors.AsType[*RefusedError](err)
	switch {
	case err == nil:
		t.Latency.Add(took)
	case isRefusal:
		t.Refusal.Add(took)
		if refused.After {
			t.Told++
		}
	default:
		t.Errors++
		t.show(err.Error())
	}
}

func (t *Tally) show(text string) {
	if len(t.Shown) < shownErrors {
		t.Shown = append(t.Shown, text)
	}
}
