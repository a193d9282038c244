package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/server"
	"github.com/ostiary/ostiary/internal/store"
)

// desk is where an administrator's command works: over an open database whose
// schema is this version's.
type database struct {
	Streams
	config *config.Config
	store  *store.Store
	log    *slog.Logger
	change change
}

// current refuses a database whose schema is not this version's. An older one is
// brought up to date by what how says; nothing else is.
func checkSchema(ctx context.Context, db *store.Store, how string) error {
	err := db.CheckSchema(ctx)
	if errors.Is(err, store.ErrSchemaTooOld) {
		return fmt.Errorf("%w; %s brings it up to date", err, how)
	}
	return err
}

// atDesk opens a desk for work that needs the configuration keys named, beside
// that of the database.
func (c *commandLine) withDatabase(ctx context.Context, s Streams, work func(*database) error, require ...string) error {
	conf, err := c.load(append(require, "database_url")...)
	if err != nil {
		return err
	}
	if isMissingFile(conf) {
		return errors.New("there is no database yet: run migrate up")
	}
	return openDatabase(ctx, s, conf, func(d *database) error {
		if err := checkSchema(ctx, d.store, "ostiary migrate up"); err != nil {
			return err
		}
		d.change = c.change
		return d.audit(ctx, work)
	})
}

// atDatabase opens a desk whatever the schema is.
func openDatabase(ctx context.Context, s Streams, conf *config.Config, work func(*database) error) error {
	// What a command does, it says itself.
	conf.LogLevel = max(conf.LogLevel, slog.LevelWarn)
	d := &database{Streams: s, config: conf, log: newLog(s.Err, conf)}
	var err error
	if d.store, err = server.OpenStore(ctx, conf, d.log); err != nil {
		return err
	}
	defer d.store.Close()
	return work(d)
}

// missing reports whether the database is a file that is not there. Opening it
// would leave an empty one behind, perhaps under a name that is a slip.
func isMissingFile(conf *config.Config) bool {
	path, ok := strings.CutPrefix(conf.DatabaseURL.Reveal(), "sqlite:")
	if !ok {
		return false
	}
	_, err := os.Stat(strings.TrimPrefix(path, "//"))
	return errors.Is(err, fs.ErrNotExist)
}

// pageSize is how many rows a listing reads at once.
const pageSize = 500

// every reads a listing to its end. next returns the page that follows after.
func allPages[T, K any](next func(after K) ([]T, error), key func(T) K) ([]T, error) {
	var all []T
	var after K
	for {
		some, err := next(after)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
		if len(some) < pageSize {
			return all, nil
		}
		after = key(some[len(some)-1])
	}
}
