package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/store/db"
	"github.com/ostiary/ostiary/migrations"
)

var (
	// ErrSchemaTooOld reports a database that lacks steps of the schema.
	ErrSchemaTooOld = errors.New("database schema is empty or too old")
	// ErrSchemaTooNew reports a database that a newer version has migrated.
	ErrSchemaTooNew = errors.New("database schema is newer than this version of Ostiary")
	// ErrForeignDatabase reports a database of an Ory Hydra. Ostiary can import from it,
	// but needs a separate database.
	ErrForeignDatabase = db.ErrForeignDatabase

	// errNoReplica reports a process that has not joined the replicas, or was removed
	// from them.
	errNoReplica = errors.New("this process is not among the replicas")
)

// Migration is one step of the schema.
type Migration struct {
	Version   int64
	Name      string
	AppliedAt time.Time // zero for a pending step
}

// Migrate applies the pending steps of the schema and returns their names. Several
// processes may call it at the same time.
func (s *Store) Migrate(ctx context.Context) (taken []string, err error) {
	if err := s.checkUsernames(ctx); err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	err = s.db.Engine.WithMigrator(ctx, func(conn *sql.DB, dialect goose.Dialect, options ...goose.ProviderOption) error {
		// Without a lock (SQLite), the loser of a race for a step finds its tables in place,
		// is rolled back, and continues after the winner.
		for {
			before, err := s.db.Engine.SchemaVersion(ctx)
			if err != nil {
				return err
			}
			provider, err := s.provider(conn, dialect, options...)
			if err != nil {
				return err
			}
			results, err := provider.Up(ctx)
			if partial, ok := errors.AsType[*goose.PartialError](err); ok {
				results = partial.Applied
			}
			for _, step := range results {
				taken = append(taken, path.Base(step.Source.Path))
			}
			if err == nil {
				return nil
			}
			after, lookErr := s.db.Engine.SchemaVersion(ctx)
			if lookErr != nil || after == before {
				return err
			}
		}
	})
	if err != nil {
		return taken, fmt.Errorf("migrate: %w", err)
	}
	if err := s.Accounts.rewriteMarkedAddresses(ctx); err != nil {
		return taken, fmt.Errorf("migrate: %w", err)
	}
	if err := s.db.Engine.SetRoleDefaults(ctx); err != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "the settings of the database role were not changed", slog.Any("error", err))
	}
	return taken, nil
}

// peopleStep is the step before which usernames had another form.
const peopleStep = 25

// checkUsernames reports the usernames that are not in the form of [account.Username], and
// returns an error if two of them would become the same. Each of them keeps working.
func (s *Store) checkUsernames(ctx context.Context) error {
	const read = `SELECT username FROM accounts ORDER BY username`

	version, err := s.db.Engine.SchemaVersion(ctx)
	if err != nil || version == 0 || version >= peopleStep {
		return err
	}
	var names []string
	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		var name string
		err := from.Scan(&name)
		names = append(names, name)
		return err
	}, read)
	if err != nil {
		return fmt.Errorf("read usernames: %w", err)
	}
	changed, err := account.CheckUsernames(slices.Values(names))
	if err != nil {
		return err
	}
	if len(changed) > 0 {
		s.log.LogAttrs(ctx, slog.LevelWarn, "usernames have a form that new ones cannot have; they keep working",
			slog.Int("count", len(changed)), slog.Any("usernames", changed[:min(len(changed), 100)]))
	}
	return nil
}

// CheckRights returns an error that names the rights that the role of the database URL
// lacks.
func (s *Store) CheckRights(ctx context.Context) error {
	missing, err := s.db.Engine.MissingRights(ctx)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return fmt.Errorf("the database role lacks rights: %s", strings.Join(missing, "; "))
	}
	return nil
}

// CheckWritable returns nil if the database accepts writes from this replica. It writes
// at most once a second; other callers get the result of the last write.
func (s *Store) CheckWritable(ctx context.Context) error {
	s.writable.Lock()
	defer s.writable.Unlock()
	now := s.replication.changes.clock()
	if now.Sub(s.writable.at) >= time.Second {
		s.writable.err = s.tryWrite(ctx)
		s.writable.at = now
	}
	return s.writable.err
}

// tryWrite changes the row of this replica, since SQLite does not write an unchanged
// row.
func (s *Store) tryWrite(ctx context.Context) error {
	const write = `UPDATE replicas SET write_checks = write_checks + 1 WHERE id = $1`

	id := s.replication.self.Load()
	if id == nil {
		return errNoReplica
	}
	written, err := s.db.WatchWrite.Exec(ctx, write, *id)
	if err == nil && written == 0 {
		err = errNoReplica
	}
	if err != nil {
		return fmt.Errorf("try to write: %w", err)
	}
	return nil
}

// MigrationStatus lists the steps of the schema and their times.
func (s *Store) MigrationStatus(ctx context.Context) (steps []Migration, err error) {
	if _, err := s.db.Engine.SchemaVersion(ctx); err != nil {
		return nil, fmt.Errorf("read the schema's state: %w", err)
	}
	err = s.db.Engine.WithMigrator(ctx, func(conn *sql.DB, dialect goose.Dialect, options ...goose.ProviderOption) error {
		provider, err := s.provider(conn, dialect, options...)
		if err != nil {
			return err
		}
		states, err := provider.Status(ctx)
		for _, state := range states {
			steps = append(steps, Migration{state.Source.Version, path.Base(state.Source.Path), state.AppliedAt})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the schema's state: %w", err)
	}
	return steps, nil
}

// CheckSchema returns [ErrSchemaTooOld] or [ErrSchemaTooNew] if this version needs
// another schema.
func (s *Store) CheckSchema(ctx context.Context) error {
	want := migrations.Newest()
	have, err := s.db.Engine.SchemaVersion(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("check schema: %w", err)
	case have < want:
		return fmt.Errorf("%w (it has step %d, needs %d)", ErrSchemaTooOld, have, want)
	case have > want:
		return fmt.Errorf("%w (it has step %d, knows %d)", ErrSchemaTooNew, have, want)
	}
	return nil
}

func (s *Store) provider(conn *sql.DB, dialect goose.Dialect, options ...goose.ProviderOption) (*goose.Provider, error) {
	return goose.NewProvider(dialect, conn, migrations.Files, append(options,
		goose.WithExcludeNames(migrations.NotFor(s.Engine())), goose.WithDisableGlobalRegistry(true))...)
}
