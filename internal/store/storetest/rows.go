package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Rows returns the rows of each table in the database at url, sorted, as text.
func Rows(tb testing.TB, url string) map[string]string {
	tb.Helper()
	tables := `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'`
	if strings.HasPrefix(url, "sqlite:") {
		tables = `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'`
	}
	all := map[string]string{}
	outside(tb, url, func(ctx context.Context, conn *sql.Conn) error {
		names, err := texts(ctx, conn, tables)
		for _, name := range names {
			if all[name], err = rowsOf(ctx, conn, name); err != nil {
				return err
			}
		}
		return err
	})
	return all
}

func rowsOf(ctx context.Context, conn *sql.Conn, table string) (string, error) {
	rows, err := conn.QueryContext(ctx, `SELECT * FROM `+table) //nolint:gosec // the name is from the schema
	if err != nil {
		return "", err
	}
	defer rows.Close() //nolint:errcheck // Err reports errors
	columns, err := rows.Columns()
	if err != nil {
		return "", err
	}
	var list []string
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return "", err
		}
		list = append(list, fmt.Sprint(values...))
	}
	slices.Sort(list)
	return strings.Join(list, "\n"), rows.Err()
}
