package assertion

import (
	"context"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/cache"
	"github.com/ostiary/ostiary/internal/trustedissuer"
)

const (
	// maxAge bounds how long trusts are cached: rows may be changed by hand, without a
	// change of the counter.
	maxAge    = 2 * time.Second
	maxCached = 1000
)

// Cache caches trusted issuers. It stores no unknown issuers and subjects, so that guessing
// takes no memory.
type Cache struct {
	trusts *cache.Cache[principal, trusted]
}

// principal is the iss and sub of an assertion.
type principal struct{ issuer, subject string }

// trusted is the result of a query for a principal.
type trusted struct {
	list     []*trustedissuer.Trust
	rejected bool
}

// expired reports whether a trust has expired.
func (t trusted) expired(now time.Time) bool {
	return slices.ContainsFunc(t.list, func(t *trustedissuer.Trust) bool { return !now.Before(t.ExpiresAt) })
}

// NewCache returns a cache that reads trusts at the time of now.
func NewCache(trusts Trusts, changes cache.Changes, now func() time.Time) *Cache {
	return &Cache{cache.New(cache.Config[principal, trusted]{
		Size: maxCached, Changes: changes, TTL: maxAge, Now: now,
		Read: func(ctx context.Context, p principal) (t trusted, err error) {
			t.list, t.rejected, err = trusts.TrustsFor(ctx, p.issuer, p.subject, now())
			return t, err
		},
		Valid: func(t trusted, now time.Time) bool { return !t.expired(now) },
		Store: func(t trusted) bool { return len(t.list) > 0 },
	})}
}

// TrustsFor returns the trusts that match an issuer and a subject, and whether the subject
// has a disabled account or is a client_id. It uses the clock of the cache. The caller must
// not change the list.
func (c *Cache) TrustsFor(ctx context.Context, iss, subject string, _ time.Time) ([]*trustedissuer.Trust, bool, error) {
	t, err := c.trusts.Get(ctx, principal{iss, subject})
	if err != nil || len(t.list) == 0 {
		return nil, t.rejected, err
	}
	return t.list, t.rejected, nil
}
