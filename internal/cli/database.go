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

// database is an open database with the streams and settings of a command.
type database struct {
	Streams
	config *config.Config
	store  *store.Store
	log    *slog.Logger
	change change
}

// checkSchema returns an error if the schema is not that of this version. For an older schema
// the error names how to migrate it.
func checkSchema(ctx context.Context, db *store.Store, how string) error {
	err := db.CheckSchema(ctx)
	if errors.Is(err, store.ErrSchemaTooOld) {
		return fmt.Errorf("%w: run %s", err, how)
	}
	return err
}

// withDatabase runs a command over the database, with an audit event if it changes something.
// It returns an error if a required setting is missing or the schema is not that of this
// version.
func (c *commandLine) withDatabase(ctx context.Context, s Streams, work func(*database) error, require ...string) error {
	conf, err := c.load(append(require, "database_url")...)
	if err != nil {
		return err
	}
	if isMissingFile(conf) {
		return errors.New("no database: run ostiary migrate up")
	}
	return openDatabase(ctx, s, conf, func(d *database) error {
		if err := checkSchema(ctx, d.store, "ostiary migrate up"); err != nil {
			return err
		}
		d.change = c.change
		return d.audit(ctx, work)
	})
}

// openDatabase runs work over the database, with any schema.
func openDatabase(ctx context.Context, s Streams, conf *config.Config, work func(*database) error) error {
	// Commands print their results, so only warnings are logged.
	conf.LogLevel = max(conf.LogLevel, slog.LevelWarn)
	d := &database{Streams: s, config: conf, log: newLog(s.Err, conf)}
	var err error
	if d.store, err = server.OpenStore(ctx, conf, d.log); err != nil {
		return err
	}
	defer d.store.Close()
	if conf.HasMail() {
		d.store.NotifyUsers()
	}
	return work(d)
}

// isMissingFile reports whether the database is a file that does not exist. Opening it would
// create an empty file, perhaps under a mistyped name.
func isMissingFile(conf *config.Config) bool {
	path, ok := strings.CutPrefix(conf.DatabaseURL.Reveal(), "sqlite:")
	if !ok {
		return false
	}
	_, err := os.Stat(strings.TrimPrefix(path, "//"))
	return errors.Is(err, fs.ErrNotExist)
}

// pageSize is the number of rows that a list reads at a time.
const pageSize = 500

// allPages reads all pages of a list. next returns the page after a key.
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
