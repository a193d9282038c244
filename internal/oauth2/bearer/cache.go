package bearer

import (
	"context"
	"sync"
	"time"

	"github.com/ostiary/ostiary/internal/issuer"
)

const (
	// staleness is for how long what was found is believed.
	staleness = 2 * time.Second
	maxCached = 1000
)

// Cache remembers for a moment whose word counts. Issuers and subjects of whom nobody
// knows are not remembered, so that guesses take no room.
type Cache struct {
	trusts Trusts

	mu    sync.Mutex
	found map[question]found
}

type question struct{ issuer, subject string }

type found struct {
	list   []*issuer.Trust
	barred bool
	at     time.Time
}

// NewCache returns a cache before trusts.
func NewCache(trusts Trusts) *Cache { return &Cache{trusts: trusts, found: map[question]found{}} }

// TrustsFor returns what is trusted of what an issuer says of a subject, two seconds old
// at most. The list is shared: the caller must not change it.
func (c *Cache) TrustsFor(ctx context.Context, iss, subject string, now time.Time) ([]*issuer.Trust, bool, error) {
	q := question{iss, subject}
	c.mu.Lock()
	known, ok := c.found[q]
	c.mu.Unlock()
	if age := now.Sub(known.at); ok && age >= 0 && age < staleness {
		return known.list, known.barred, nil
	}
	list, barred, err := c.trusts.TrustsFor(ctx, iss, subject, now)
	if err != nil || len(list) == 0 {
		return nil, barred, err //nolint:wrapcheck // names itself
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for other := range c.found {
		if len(c.found) < maxCached {
			break
		}
		delete(c.found, other) // any one: those in use come back at the cost of a statement
	}
	c.found[q] = found{list, barred, now}
	return list, barred, nil
}
