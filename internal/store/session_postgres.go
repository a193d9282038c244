package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// sessionSettings are those of a connection. Nothing depends on them but speed and what
// becomes of a statement whose caller has given up: the deadlines of requests are their
// contexts. PgBouncer takes none of them; there [postgres.setUpRole] has them come from
// the role.
func sessionSettings() map[string]string {
	return map[string]string{
		// Every statement of a request finds its rows by key, whatever the values; to
		// plan one again for its partition takes longer than to run it.
		"plan_cache_mode": "force_generic_plan",
		// A plan is made once, perhaps while a table is still empty, and kept until the
		// table is analyzed: it must not be to read the table through.
		"enable_seqscan": "off",
		// Nothing here is worth compiling; a plan whose cost says so is one of those that
		// had to read a table through.
		"jit":                                 "off",
		"statement_timeout":                   "3s",
		"idle_in_transaction_session_timeout": "10s",
		"default_transaction_isolation":       "read committed",
	}
}

// roleSettings are those of the role, for connections that come through a pooler.
func roleSettings() map[string]string {
	settings := sessionSettings()
	settings["lock_timeout"] = "3s"
	delete(settings, "default_transaction_isolation") // transactions name theirs
	return settings
}

// prepare makes the configuration of a new connection.
func (p *postgres) prepare(c *pgx.ConnConfig) {
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

// adapt reports whether err tells of a pooler for which the next connection is to be
// another one, and notes so.
func (p *postgres) adapt(ctx context.Context, err error) bool {
	switch {
	case unsupportedParameter(err):
		if p.pooled.CompareAndSwap(false, true) {
			p.log.LogAttrs(ctx, slog.LevelInfo, "the database is behind a pooler: session settings come from its role")
		}
		return true
	case unprepared(err):
		if p.unprepared.CompareAndSwap(false, true) {
			p.log.LogAttrs(ctx, slog.LevelWarn,
				"the pooler does not keep prepared statements: statements are sent without, which takes more of the database", slog.Any("error", err))
		}
		return true
	}
	return false
}

// unsupportedParameter reports that a pooler refused a session setting.
func unsupportedParameter(err error) bool {
	answer, ok := errors.AsType[*pgconn.PgError](err)
	return ok && answer.Code == "08P01" && strings.Contains(answer.Message, "startup parameter")
}

// unprepared reports that a prepared statement is there twice, or not.
func unprepared(err error) bool { return hasCode(err, "42P05", "26000") }

// connect opens a connection outside the pool. Where change is given it changes its
// configuration last.
func (p *postgres) connect(ctx context.Context, change func(*pgx.ConnConfig)) (*pgx.Conn, error) {
	open := func() (*pgx.Conn, error) {
		config := p.pool.Config().ConnConfig.Copy()
		p.prepare(config)
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
		return nil, &unavailable{err}
	}
	return c, nil
}

// setUpRole makes the settings of sessions those of the role that the URL names, in this
// database, where nobody has set them otherwise. A role may do so for itself.
func (p *postgres) setUpRole(ctx context.Context) error {
	const given = `
		SELECT coalesce(string_agg(split_part(s, '=', 1), ' '), '') FROM pg_db_role_setting r, unnest(r.setconfig) s
		WHERE r.setrole = (SELECT oid FROM pg_roles WHERE rolname = current_user)
			AND r.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))`
	const named = `SELECT quote_ident(current_database())`

	var set, database string
	on := conn{p}
	if err := on.one(ctx, given).Scan(&set); err != nil {
		return fmt.Errorf("read the settings of the role: %w", err)
	}
	if err := on.one(ctx, named).Scan(&database); err != nil {
		return fmt.Errorf("read the name of the database: %w", err)
	}
	for parameter, value := range roleSettings() {
		if slices.Contains(strings.Fields(set), parameter) {
			continue
		}
		statement := fmt.Sprintf(`ALTER ROLE CURRENT_USER IN DATABASE %s SET %s = '%s'`, database, parameter, value)
		if _, err := p.exec(ctx, statement); err != nil {
			return fmt.Errorf("set %s for the role: %w", parameter, err)
		}
	}
	return nil
}

// missingRights names what the role of the URL may not do and serving needs.
func (p *postgres) missingRights(ctx context.Context) (missing []string, err error) {
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
	err = p.each(ctx, func(r scanner) error {
		var text string
		err := r.Scan(&text)
		add(text)
		return err
	}, tables)
	if err != nil {
		return nil, fmt.Errorf("read the rights of the role: %w", err)
	}
	var owner, schema string
	if err := (conn{p}).one(ctx, partitions).Scan(&owner, &schema); err != nil {
		return nil, fmt.Errorf("read the rights of the role: %w", err)
	}
	add(owner, schema)
	return missing, nil
}
