package assertion

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/ostiary/ostiary/internal/trustedissuer"
)

const (
	// maxAge is for how long an answer is kept at most, since the rows may be changed by
	// hand.
	maxAge    = 2 * time.Second
	maxCached = 1000
)

// Changes tells whether records that were read before may have changed.
type Changes interface {
	// Version returns the number of the last change known, and false where nothing that
	// was read before may be used.
	Version() (version int64, fresh bool)
}

// Cache keeps the trusted issuers that were read. Issuers and subjects that are unknown
// are not kept, so that guesses take no room.
type Cache struct {
	trusts  Trusts
	changes Changes

	mu    sync.Mutex
	found map[question]found
}

type question struct{ issuer, subject string }

type found struct {
	list    []*trustedissuer.Trust
	barred  bool
	version int64
	at      time.Time
}

// usable reports whether f is still as in the database, and nothing in it has expired.
func (f found) usable(version int64, now time.Time) bool {
	age := now.Sub(f.at)
	return f.version >= version && age >= 0 && age < maxAge &&
		!slices.ContainsFunc(f.list, func(t *trustedissuer.Trust) bool { return !now.Before(t.ExpiresAt) })
}

// NewCache returns a cache before trusts.
func NewCache(trusts Trusts, changes Changes) *Cache {
	return &Cache{trusts: trusts, changes: changes, found: map[question]found{}}
}

// TrustsFor returns the trusted issuers that iss and subject match, and whether the
// subject has an account that is disabled, or is a client_id. The list is shared: the caller must not
// change it.
func (c *Cache) TrustsFor(ctx context.Context, iss, subject string, now time.Time) ([]*trustedissuer.Trust, bool, error) {
	q := question{iss, subject}
	version, fresh := c.changes.Version()
	if !fresh {
		return c.trusts.TrustsFor(ctx, iss, subject, now)
	}
	c.mu.Lock()
	known, ok := c.found[q]
	c.mu.Unlock()
	if ok && known.usable(version, now) {
		return known.list, known.barred, nil
	}
	list, barred, err := c.trusts.TrustsFor(ctx, iss, subject, now)
	if err != nil || len(list) == 0 {
		return nil, barred, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for other := range c.found {
		if len(c.found) < maxCached {
			break
		}
		delete(c.found, other) // any one: those in use come back at the cost of a statement
	}
	c.found[q] = found{list, barred, version, now}
	return list, barred, nil
}
