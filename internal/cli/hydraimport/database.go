package hydraimport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ostiary/ostiary/internal/pgurl"
)

// Database is an open database of Hydra, in one read transaction.
type Database struct {
	conn    *pgx.Conn
	tx      pgx.Tx
	network string          // of the rows, if there are networks
	tables  map[string]bool // existing tables and columns, as table and table.column
}

// Open opens the database at address for reading. If several networks share the database,
// network selects one.
func Open(ctx context.Context, address, network string) (*Database, error) {
	if !strings.HasPrefix(address, "postgres://") && !strings.HasPrefix(address, "postgresql://") {
		return nil, errors.New("the address of Hydra's database must begin with postgres://")
	}
	if strings.Trim(network, "0123456789abcdefABCDEF-") != "" {
		return nil, errors.New("a network is named by a UUID")
	}
	if err := pgurl.Check(address); err != nil {
		return nil, fmt.Errorf("database of Hydra: %w", err)
	}
	config, err := pgx.ParseConfig(withoutPool(address))
	if err != nil {
		return nil, fmt.Errorf("database of Hydra: %w", pgurl.ParseError(address, err))
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open Hydra's database: %w", err)
	}
	d := &Database{conn: conn}
	d.tx, err = conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err == nil {
		err = d.look(ctx, network)
	}
	if err != nil {
		d.Close(ctx)
		return nil, fmt.Errorf("read Hydra's database: %w", err)
	}
	return d, nil
}

// withoutPool removes the parameters of Hydra's connection pool from an address.
func withoutPool(address string) string {
	base, query, found := strings.Cut(address, "?")
	if !found {
		return address
	}
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		switch name {
		case "max_conns", "max_idle_conns", "max_conn_lifetime", "max_conn_idle_time":
		default:
			kept = append(kept, part)
		}
	}
	return base + "?" + strings.Join(kept, "&")
}

// Close closes the connection.
func (d *Database) Close(ctx context.Context) {
	_ = d.conn.Close(ctx) // nothing was written
}

// look finds the existing tables, columns and networks.
func (d *Database) look(ctx context.Context, network string) error {
	const columns = `
		SELECT table_name, column_name FROM information_schema.columns
		WHERE table_schema = ANY (current_schemas(false)) AND table_name LIKE 'hydra\_%'`

	d.tables = map[string]bool{}
	rows, err := d.tx.Query(ctx, columns)
	if err != nil {
		return fmt.Errorf("list columns: %w", err)
	}
	var table, column string
	_, err = pgx.ForEachRow(rows, []any{&table, &column}, func() error {
		d.tables[table], d.tables[table+"."+column] = true, true
		return nil
	})
	if err != nil {
		return fmt.Errorf("list columns: %w", err)
	}
	if !d.tables["hydra_client"] || !d.tables["hydra_client.client_secret"] {
		return errors.New("there is no table hydra_client as Hydra v1.11 or v2 has it")
	}
	if !d.tables["hydra_client.nid"] {
		return nil
	}
	rows, err = d.tx.Query(ctx, `SELECT DISTINCT nid::text FROM hydra_client ORDER BY 1 LIMIT 10`)
	if err != nil {
		return fmt.Errorf("list networks: %w", err)
	}
	networks, err := pgx.CollectRows(rows, pgx.RowTo[string])
	switch {
	case err != nil:
		return fmt.Errorf("list networks: %w", err)
	case network != "" && len(networks) < 10 && !slices.Contains(networks, strings.ToLower(network)):
		return fmt.Errorf("there is no such network in it, but %s", strings.Join(networks, ", "))
	case network != "":
		d.network = strings.ToLower(network)
	case len(networks) > 1:
		return fmt.Errorf("the database has several networks: %s; select one with --network", strings.Join(networks, ", "))
	case len(networks) == 1:
		d.network = networks[0]
	}
	return nil
}

// within returns the SQL condition that selects the rows of the network.
func (d *Database) within(table, alias string) string {
	if d.network == "" || !d.tables[table+".nid"] {
		return "TRUE"
	}
	return alias + ".nid::text = '" + d.network + "'" // of hexadecimal digits and dashes
}

// each reads rows as JSON.
func (d *Database) each(ctx context.Context, query string, visit func(*row) error) error {
	rows, err := d.tx.Query(ctx, query)
	if err != nil {
		return err
	}
	var raw []byte
	_, err = pgx.ForEachRow(rows, []any{&raw}, func() error {
		r := &row{}
		if err := json.Unmarshal(raw, &r.columns); err != nil {
			return errors.New("a row is no object")
		}
		return visit(r)
	})
	return err
}

// Clients returns all clients, by id.
func (d *Database) Clients(ctx context.Context) (list []Client, err error) {
	err = d.each(ctx, `SELECT to_jsonb(c) FROM hydra_client c WHERE `+d.within("hydra_client", "c")+` ORDER BY c.id`,
		func(r *row) error {
			c, err := clientOf(r)
			list = append(list, c)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("read hydra_client: %w", err)
	}
	return list, nil
}

// Keys returns the keys of all sets that one of the secrets decrypts, by set and time, and the
// set and kid of the others.
func (d *Database) Keys(ctx context.Context, secrets Secrets) (list []Key, sealed []string, err error) {
	if !d.tables["hydra_jwk"] {
		return nil, nil, nil
	}
	query := `SELECT to_jsonb(k) FROM hydra_jwk k WHERE ` + d.within("hydra_jwk", "k") + ` ORDER BY k.sid, k.created_at DESC, k.kid`
	err = d.each(ctx, query, func(r *row) error {
		key := Key{Set: r.text("sid"), KID: r.text("kid"), CreatedAt: r.time("created_at")}
		encrypted := r.text("keydata")
		if r.err != nil {
			return r.err
		}
		jwk, ok := secrets.open(encrypted)
		if !ok || !json.Valid(jwk) {
			sealed = append(sealed, key.Set+" "+key.KID)
			return nil
		}
		key.JWK = jwk
		list = append(list, key)
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read hydra_jwk: %w", err)
	}
	return list, sealed, nil
}

// Issuers returns all trusted issuers.
func (d *Database) Issuers(ctx context.Context) (list []Issuer, err error) {
	const table = "hydra_oauth2_trusted_jwt_bearer_issuer"
	if !d.tables[table] {
		return nil, nil
	}
	err = d.each(ctx, `SELECT to_jsonb(i) FROM `+table+` i WHERE `+d.within(table, "i")+` ORDER BY i.id`, func(r *row) error {
		list = append(list, Issuer{
			ID: r.text("id"), Issuer: r.text("issuer"), Subject: r.text("subject"), AllowAnySubject: r.flag("allow_any_subject"),
			Scopes: r.list("scope"), KeySet: r.text("key_set"), KeyID: r.text("key_id"),
			CreatedAt: r.time("created_at"), ExpiresAt: r.time("expires_at"),
		})
		return r.err
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", table, err)
	}
	return list, nil
}

// Dropped counts the rows that cannot be imported.
func (d *Database) Dropped(ctx context.Context) (dropped Dropped, err error) {
	count := func(into *int64, table, condition string) {
		if err != nil || !d.tables[table] {
			return
		}
		query := `SELECT count(*) FROM ` + table + ` t WHERE ` + condition + ` AND ` + d.within(table, "t")
		if err = d.tx.QueryRow(ctx, query).Scan(into); err != nil {
			err = fmt.Errorf("count %s: %w", table, err)
		}
	}
	count(&dropped.RefreshTokens, "hydra_oauth2_refresh", "t.active")
	count(&dropped.Sessions, "hydra_oauth2_authentication_session", "t.remember")
	return dropped, err
}

// endOf returns the end of a consent given at a time and remembered for seconds. As in Hydra,
// zero seconds never end.
func endOf(given time.Time, seconds int64) time.Time {
	const most = 100 * 365 * 24 * 3600
	if seconds <= 0 || seconds > most {
		return time.Time{}
	}
	return given.Add(time.Duration(seconds) * time.Second)
}
