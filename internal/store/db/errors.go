package db

import "errors"

var (
	// ErrClosed reports a store that was closed.
	ErrClosed = errors.New("the store is closed")
	// ErrForeignDatabase reports a database of an Ory Hydra. Ostiary can import from it,
	// but needs a separate database.
	ErrForeignDatabase = errors.New("this is the database of an Ory Hydra; Ostiary needs a separate database")
)

// UnavailableError is a failure of the database itself, as opposed to the result of a
// statement. Whether the statement took effect is unknown; a retry may succeed.
type UnavailableError struct{ err error }

// Unavailable returns err as a failure of the database.
func Unavailable(err error) error {
	if IsUnavailable(err) {
		return err
	}
	return &UnavailableError{err}
}

// IsUnavailable reports whether err is a failure of the database.
func IsUnavailable(err error) bool {
	_, ok := errors.AsType[*UnavailableError](err)
	return ok
}

// Error implements error.
func (u *UnavailableError) Error() string { return "database unavailable: " + u.err.Error() }

// Unwrap returns the cause.
func (u *UnavailableError) Unwrap() error { return u.err }

// Unavailable reports true. Packages that do not import the store recognize the error
// by this method.
func (u *UnavailableError) Unavailable() bool { return true }

// attempts is the number of tries for work that conflicts with another transaction.
const attempts = 3

// Retry runs act, again as long as it returns an error that isConflict accepts, at
// most three times in all.
func Retry(isConflict func(error) bool, act func() error) error {
	err := act()
	for range attempts - 1 {
		if err == nil || !isConflict(err) {
			break
		}
		err = act()
	}
	return err
}
