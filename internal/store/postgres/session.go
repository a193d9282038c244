package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/ostiary/ostiary/internal/store/db"
)

// sessionSettings are the settings of a connection. They affect speed and what happens to
// a statement whose caller has given up, nothing else: requests get their deadlines from
// contexts. PgBouncer rejects all of them; there [Engine.SetRoleDefaults] sets them for
// the role.
func sessionSettings() map[string]string {
	return map[string]string{
		// Every statement of a request finds its rows by key, for all values; planning it
		// again for its partition takes longer than running it.
		"plan_cache_mode": "force_generic_plan",
		// A plan is made once, perhaps while a table is still empty, and kept until the
		// table is analyzed: it must not scan the table.
		"enable_seqscan": "off",
		// No statement here gains from compilation; a plan whose cost suggests it had to
		// scan a table.
		"jit":                                 "off",
		"statement_timeout":                   "3s",
		"idle_in_transaction_session_timeout": "10s",
		"default_transaction_isolation":       "read committed",
	}
}

// roleSettings are the settings of the role, for connections through a pooler.
func roleSettings() map[string]string {
	settings := sessionSettings()
	settings["lock_timeout"] = "3s"
	delete(settings, "default_transaction_isolation") // transactions set it
	return settings
}

// configure completes the configuration of a new connection.
func (p *pool) configure(c *pgx.ConnConfig) {
	if p.unprepared.Load() {
		c.DefaultQueryExecMode = pgx.QueryExecModeExec
	}
	if p.pooled.Load() {
		return
	}
	for parameter, value := range sessionSettings() {
		if !slices.Contains(p.given, parameter) {
			c.RuntimeParams[parameter] = value
		}
	}
}

// adapt reports whether err shows that connections go through a pooler, so that the next
// connection needs another configuration. It changes the configuration.
func (p *pool) adapt(ctx context.Context, err error) bool {
	switch {
	case isUnsupportedParameter(err):
		if p.pooled.CompareAndSwap(false, true) {
			p.log.LogAttrs(ctx, slog.LevelInfo, "the database is behind a pooler: session settings come from its role")
		}
		return true
	case isUnprepared(err):
		if p.unprepared.CompareAndSwap(false, true) {
			p.log.LogAttrs(ctx, slog.LevelWarn,
				"the pooler does not keep prepared statements: statements are sent without, which takes more of the database", slog.Any("error", err))
		}
		return true
	}
	return false
}

// connect opens a connection outside the pool. change, if not nil, modifies its
// configuration.
func (p *pool) connect(ctx context.Context, change func(*pgx.ConnConfig)) (*pgx.Conn, error) {
	open := func() (*pgx.Conn, error) {
		config := p.conns.Config().ConnConfig.Copy()
		p.configure(config)
		if change != nil {
			change(config)
		}
		return pgx.ConnectConfig(ctx, config)
	}
	c, err := open()
	if p.adapt(ctx, err) {
		c, err = open()
	}
	if err != nil {
		return nil, db.Unavailable(err)
	}
	return c, nil
}

// SetRoleDefaults implements [db.Engine]. It sets the session settings for the role of
// the URL in this database, unless the role has them already. A role may change its
// own settings.
func (e *Engine) SetRoleDefaults(ctx context.Context) error {
	const given = `
		SELECT coalesce(string_agg(split_part(s, '=', 1), ' '), '') FROM pg_db_role_setting r, unnest(r.setconfig) s
		WHERE r.setrole = (SELECT oid FROM pg_roles WHERE rolname = current_user)
			AND r.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))`
	const named = `SELECT quote_ident(current_database())`

	var set, database string
	on := db.Conn{Runner: e.pool}
	if err := on.QueryRow(ctx, given).Scan(&set); err != nil {
		return fmt.Errorf("read the settings of the role: %w", err)
	}
	if err := on.QueryRow(ctx, named).Scan(&database); err != nil {
		return fmt.Errorf("read the name of the database: %w", err)
	}
	for parameter, value := range roleSettings() {
		if slices.Contains(strings.Fields(set), parameter) {
			continue
		}
		statement := fmt.Sprintf(`ALTER ROLE CURRENT_USER IN DATABASE %s SET %s = '%s'`, database, parameter, value)
		if _, err := e.pool.Exec(ctx, statement); err != nil {
			return fmt.Errorf("set %s for the role: %w", parameter, err)
		}
	}
	return nil
}

// MissingRights implements [db.Engine].
func (e *Engine) MissingRights(ctx context.Context) (missing []string, err error) {
	const tables = `
		SELECT p.verb || ' on table ' || c.relname
		FROM pg_class c, (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) p (verb)
		WHERE c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('grants'))
			AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'goose_db_version'
			AND NOT has_table_privilege(c.oid, p.verb)
		ORDER BY 1`
	const partitions = `
		SELECT CASE WHEN pg_has_role(c.relowner, 'USAGE') THEN '' ELSE 'membership in role ' || quote_ident(pg_get_userbyid(c.relowner)) ||
				', which owns table grants and its partitions' END,
			CASE WHEN has_schema_privilege(c.relnamespace, 'CREATE') THEN '' ELSE 'CREATE on schema ' || c.relnamespace::regnamespace END
		FROM pg_class c WHERE c.oid = to_regclass('grants')`

	add := func(texts ...string) {
		for _, text := range texts {
			if text != "" {
				missing = append(missing, text)
			}
		}
	}
	err = e.pool.Query(ctx, func(r db.Scanner) error {
		var text string
		err := r.Scan(&text)
		add(text)
		return err
	}, tables)
	if err != nil {
		return nil, fmt.Errorf("read the rights of the role: %w", err)
	}
	var owner, schema string
	if err := (db.Conn{Runner: e.pool}).QueryRow(ctx, partitions).Scan(&owner, &schema); err != nil {
		return nil, fmt.Errorf("read the rights of the role: %w", err)
	}
	add(owner, schema)
	return missing, nil
}
