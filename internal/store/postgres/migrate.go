package postgres

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/ostiary/ostiary/internal/store/db"
)

// migrationLock is the advisory lock that a replica holds while it migrates.
const migrationLock = 0x6f737469617279

// SchemaVersion implements [db.Engine]. It returns [db.ErrForeignDatabase] for a
// database of an Ory Hydra.
func (e *Engine) SchemaVersion(ctx context.Context) (version int64, err error) {
	const exists = `SELECT to_regclass('goose_db_version') IS NOT NULL, to_regclass('hydra_client') IS NOT NULL`
	var migrated, hydra bool
	on := db.Conn{Runner: e.pool}
	if err := on.QueryRow(ctx, exists).Scan(&migrated, &hydra); err != nil {
		return 0, err
	}
	if !migrated && hydra {
		return 0, db.ErrForeignDatabase
	}
	if !migrated {
		return 0, nil
	}
	err = on.QueryRow(ctx, db.NewestStep).Scan(&version)
	return version, err
}

// WithMigrator implements [db.Engine]. It opens its own connections, since a step of the
// schema may take longer than a statement of a request. The lock belongs to a
// transaction, since behind a pooler a session is shared.
func (e *Engine) WithMigrator(ctx context.Context, use func(*sql.DB, goose.Dialect, ...goose.ProviderOption) error) error {
	conn, err := e.pool.connect(ctx, func(c *pgx.ConnConfig) {
		if !e.pool.pooled.Load() {
			c.RuntimeParams["statement_timeout"], c.RuntimeParams["idle_in_transaction_session_timeout"] = "0", "0"
		}
	})
	if err != nil {
		return err
	}
	config := conn.Config().Copy()
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is pending
	tx, err := conn.Begin(ctx)
	if err != nil {
		return classify(conn, err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // the transaction only holds a lock
	for _, statement := range []string{
		`SET LOCAL statement_timeout = 0`, `SET LOCAL lock_timeout = 0`, `SET LOCAL idle_in_transaction_session_timeout = 0`,
		fmt.Sprintf(`SELECT pg_advisory_xact_lock(%d)`, int64(migrationLock)),
	} {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return classify(conn, err)
		}
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	migrator := stdlib.OpenDB(*config)
	defer migrator.Close() //nolint:errcheck // nothing is pending
	return use(migrator, goose.DialectPostgres)
}
