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

// sharedKeys are the signing keys that the first server of the tests generated, and the time of
// its clock then. Generating four RSA keys takes longer than most tests; internal/jwks tests that
// a server generates its own.
type sharedKeys struct {
	Keys []jwks.Record
	Made time.Time
}

// processKeys are the keys that all servers of this process share.
var processKeys struct {
	sync.Mutex
	sharedKeys
}

// reuseKeys stores the shared signing keys in a database without keys, with their times moved as if
// they had been generated now. The first call generates and shares them.
func reuseKeys(tb testing.TB, c *config.Config, db *store.Store, now time.Time) {
	tb.Helper()
	if len(c.SystemSecrets) != 1 || c.SystemSecrets[0].Reveal() != SystemSecret {
		return // another system secret cannot decrypt the shared keys
	}
	processKeys.Lock()
	defer processKeys.Unlock()
	version, keys, err := db.Keys.LoadKeys(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	if len(keys) > 0 {
		return
	}
	if processKeys.Keys == nil {
		if processKeys.sharedKeys, err = keysOfOtherProcess(); err != nil {
			tb.Fatal(err)
		}
	}
	if processKeys.Keys == nil {
		processKeys.sharedKeys = sharedKeys{makeKeys(tb, c, db, now), now}
		if err := shareKeys(processKeys.sharedKeys); err != nil {
			tb.Fatal(err)
		}
		return
	}
	put := make([]jwks.Record, len(processKeys.Keys))
	for i, k := range processKeys.Keys {
		for _, at := range []*time.Time{&k.PublishedAt, &k.ActivatedAt} {
			if !at.IsZero() {
				*at = at.Add(now.Sub(processKeys.Made))
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

// keysOfOtherProcess returns the keys that another test process has shared, if any.
func keysOfOtherProcess() (shared sharedKeys, err error) {
	dir := storetest.SharedDir()
	if dir == "" {
		return sharedKeys{}, nil
	}
	text, err := os.ReadFile(filepath.Join(dir, sharedKeysFile))
	if errors.Is(err, os.ErrNotExist) {
		return sharedKeys{}, nil
	}
	if err != nil {
		return sharedKeys{}, err
	}
	return shared, json.Unmarshal(text, &shared)
}

// shareKeys writes the keys for other test processes. The file appears only when it is complete.
func shareKeys(keys sharedKeys) error {
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
