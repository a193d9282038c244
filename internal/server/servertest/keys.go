package servertest

import (
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/server"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// lentKeys are the signing keys that the first server of these tests made, and the time of
// its clock then. Four RSA keys take longer to find than most tests, and that each server
// finds its own is tested where they are made.
type lentKeys struct {
	Keys []jwks.Record
	Made time.Time
}

var lent struct {
	sync.Mutex
	lentKeys
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
	if lent.Keys == nil {
		if lent.lentKeys, err = keysOfOtherProcess(); err != nil {
			tb.Fatal(err)
		}
	}
	if lent.Keys == nil {
		lent.lentKeys = lentKeys{makeKeys(tb, c, db, now), now}
		if err := shareKeys(lent.lentKeys); err != nil {
			tb.Fatal(err)
		}
		return
	}
	put := make([]jwks.Record, len(lent.Keys))
	for i, k := range lent.Keys {
		for _, at := range []*time.Time{&k.PublishedAt, &k.ActivatedAt} {
			if !at.IsZero() {
				*at = at.Add(now.Sub(lent.Made))
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

// sharedKeysFile is in [storetest.SharedDir].
const sharedKeysFile = "signing-keys.json"

// keysOfOtherProcess returns the keys that a test process has shared, if any.
func keysOfOtherProcess() (shared lentKeys, err error) {
	dir := storetest.SharedDir()
	if dir == "" {
		return lentKeys{}, nil
	}
	text, err := os.ReadFile(filepath.Join(dir, sharedKeysFile))
	if errors.Is(err, os.ErrNotExist) {
		return lentKeys{}, nil
	}
	if err != nil {
		return lentKeys{}, err
	}
	return shared, json.Unmarshal(text, &shared)
}

// shareKeys leaves the keys to other test processes, as a file that is complete whenever
// it exists.
func shareKeys(keys lentKeys) error {
	dir := storetest.SharedDir()
	if dir == "" {
		return nil
	}
	text, err := json.Marshal(keys)
	if err != nil {
		return err
	}
	draft, err := os.CreateTemp(dir, sharedKeysFile)
	if err != nil {
		return err
	}
	_, err = draft.Write(text)
	if err := errors.Join(err, draft.Close()); err != nil {
		return err
	}
	return os.Rename(draft.Name(), filepath.Join(dir, sharedKeysFile))
}
