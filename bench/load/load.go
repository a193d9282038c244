// Package load generates load and measures it: in a closed loop ([Closed]), where
// the next call follows the response, or in an open loop ([Open]), where calls
// arrive at a given rate.
package load

import (
	"errors"
	"fmt"
	"time"
)

// Caller is a client of a server. Call performs one operation and checks the
// response; only one goroutine may call it at a time.
type Caller interface {
	Call() error
}

// ErrEmpty reports that all prepared values are used up.
var ErrEmpty = errors.New("no prepared values left")

// RefusedError is the response of an overloaded server: status 429 or 503.
type RefusedError struct {
	Status int
	// RetryAfter reports whether the response had a Retry-After header.
	RetryAfter bool
}

func (r *RefusedError) Error() string { return fmt.Sprintf("refused with %d", r.Status) }

// shownErrors is the number of errors kept for display.
const shownErrors = 3

// Tally has the results of a loop.
type Tally struct {
	// Latency has the latencies of successful operations.
	Latency Histogram
	// Sent has the latencies from sending the request, in an open loop: without the
	// time that the operation waited for a free caller.
	Sent Histogram
	// Refusal has the latencies of refusals.
	Refusal Histogram
	// RetryAfter is the number of refusals with a Retry-After header.
	RetryAfter uint64
	// Errors is the number of failed operations, and Shown has the first errors.
	Errors uint64
	Shown  []string
	// Unsent is the number of operations of an open loop that no caller was free for
	// before the loop ended.
	Unsent uint64
	// Elapsed is the duration of the loop.
	Elapsed time.Duration
}

// Merge adds the tally of a loop that ran at another time.
func (t *Tally) Merge(other *Tally) {
	t.merge(other)
	t.Elapsed += other.Elapsed
}

// merge adds the tally of a concurrent caller.
func (t *Tally) merge(other *Tally) {
	t.Latency.Merge(&other.Latency)
	t.Sent.Merge(&other.Sent)
	t.Refusal.Merge(&other.Refusal)
	t.RetryAfter += other.RetryAfter
	t.Errors += other.Errors
	t.Unsent += other.Unsent
	for _, text := range other.Shown {
		t.show(text)
	}
}

// Rate returns the number of successful operations per second.
func (t *Tally) Rate() float64 {
	if t.Elapsed == 0 {
		return 0
	}
	return float64(t.Latency.Count()) / t.Elapsed.Seconds()
}

// count records the outcome of an operation.
func (t *Tally) count(took time.Duration, err error) {
	refused, isRefusal := errors.AsType[*RefusedError](err)
	switch {
	case err == nil:
		t.Latency.Add(took)
	case isRefusal:
		t.Refusal.Add(took)
		if refused.RetryAfter {
			t.RetryAfter++
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
