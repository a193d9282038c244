// Package unavailable distinguishes temporary failures from decisions: the database cannot be
// reached, a queue is full, or the time of a request has run out.
//
// It is the one classifier for this: every endpoint answers such an error with 503, and
// never with a decision about the request.
package unavailable

import (
	"context"
	"errors"
)

// Failure is an error that knows whether it is temporary. Errors of other packages that
// carry more than a text implement it.
type Failure interface {
	error
	// Unavailable reports whether a later attempt can succeed.
	Unavailable() bool
}

// New returns a temporary error with a fixed text.
func New(text string) error { return failure(text) }

type failure string

// Error returns the text.
func (f failure) Error() string { return string(f) }

// Unavailable returns true.
func (failure) Unavailable() bool { return true }

// Is reports whether err is temporary: it wraps a [Failure] whose Unavailable returns
// true, or the context of the request ended.
func Is(err error) bool {
	failed, ok := errors.AsType[Failure](err)
	return ok && failed.Unavailable() ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}
