// Package errorsx holds the few error helpers that fosite calls.
package errorsx

import "errors"

// WithStack returns err as it is: a refused token request is ordinary traffic
// and not worth a stack trace.
func WithStack(err error) error { return err }

// Cause returns the innermost error of err's chain.
func Cause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

type (
	// StatusCodeCarrier is an error that knows its HTTP status.
	StatusCodeCarrier interface{ StatusCode() int }
	// StatusCarrier is an error that knows its HTTP status text.
	StatusCarrier interface{ Status() string }
	// RequestIDCarrier is an error that knows the request it belongs to.
	RequestIDCarrier interface{ RequestID() string }
	// ReasonCarrier is an error with a reason for the reader.
	ReasonCarrier interface{ Reason() string }
	// DebugCarrier is an error with a text for the log.
	DebugCarrier interface{ Debug() string }
	// DetailsCarrier is an error with further members.
	DetailsCarrier interface{ Details() map[string]any }
)
