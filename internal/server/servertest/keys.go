package servertest

import (
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/server"
	"github.com/ostiary/ostiary/internal/store"
)

// lent are the signing keys that the first server of these tests made. Four RSA keys take
// longer to find than most tests, and that each server finds its own is tested where
// they are made.
var lent struct {
	sync.Mutex

	keys []jwks.Record
	made time.Time
}

// lendKeys gives a database that has no signing keys those of the first server, as old
// as if they had been made now.
func lendKeys(tb testing.TB, c *config.Config, db *store.Store, now time.Time) {
	tb.Helper()
	if len(c.SystemSecrets) != 1 || c.SystemSecrets[0].Reveal() != SystemSecret {
		return // which could not open them
	}
	lent.Lock()
	defer lent.Unlock()
	version, keys, err := db.Keys.LoadKeys(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	if len(keys) > 0 {
		return
	}
	if lent.keys == nil {
		lent.keys, lent.made = makeKeys(tb, c, db, now), now
		return
	}
	put := make([]jwks.Record, len(lent.keys))
	for i, k := range lent.keys {
		for _, at := range []*time.Time{&k.PublishedAt, &k.ActivatedAt} {
			if !at.IsZero() {
				*at = at.Add(now.Sub(lent.made))
			}
		}
		put[i] = k
	}
	if err := db.Keys.SaveKeys(tb.Context(), version, put, nil); err != nil {
		tb.Fatal(err)
	}
}

func makeKeys(tb testing.TB, c *config.Config, db *store.Store, now time.Time) []jwks.Record {
	tb.Helper()
	secrets, err := server.SystemSecrets(c)
	if err != nil {
		tb.Fatal(err)
	}
	manager, err := server.NewKeys(c, db, secrets, slog.New(slog.DiscardHandler), func() time.Time { return now })
	if err != nil {
		tb.Fatal(err)
	}
	if err := manager.Start(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	_, keys, err := db.Keys.LoadKeys(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return keys
}
