package store

import (
	"context"
	"time"
)

const (
	// requestPatience is how long a statement or transaction may take before a
	// request gives up.
	requestPatience = 4 * time.Second
	// importPatience is the same for an import, which can be long.
	importPatience = 10 * time.Minute
)

// tx runs act in one transaction: either all of its statements hold or none.
// Inside it every statement goes through the conn it is given; another one would
// wait for this transaction to end.
func (s *Store) tx(ctx context.Context, act func(conn) error) error {
	return s.txWithin(ctx, requestPatience, act)
}

func (s *Store) txWithin(ctx context.Context, patience time.Duration, act func(conn) error) error {
	return s.engine.transact(ctx, patience, func(c conn) error {
		return act(conn{counted{c, &s.statements}})
	})
}

// unavailable is a failure of the database itself.
type unavailable struct{ err error }

// Error says what failed.
func (u *unavailable) Error() string { return "database unavailable: " + u.err.Error() }

// Unwrap returns what failed.
func (u *unavailable) Unwrap() error { return u.err }

// Unavailable reports true: whether the work was done is unknown, and trying
// again later may help.
func (u *unavailable) Unavailable() bool { return true }

// attempts is how often a transaction is tried that loses against another one.
const attempts = 3

// retrying runs act again while it loses against others.
func retrying(lost func(error) bool, act func() error) error {
	err := act()
	for range attempts - 1 {
		if err == nil || !lost(err) {
			break
		}
		err = act()
	}
	return err
}
