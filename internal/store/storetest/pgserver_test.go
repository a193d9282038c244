package storetest

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestPostgresDatabaseEndsWithItsTest(t *testing.T) {
	t.Parallel()

	migrate := func(ctx context.Context, url string) error {
		return execute(ctx, url, `CREATE TABLE notes (body text)`)
	}
	for name, tc := range map[string]struct {
		provide   func(t *testing.T) string
		statement string
	}{
		"an empty one": {
			func(t *testing.T) string { t.Helper(); return PostgresURL(t) },
			`CREATE TABLE notes (body text)`,
		},
		"one with the schema in place": {
			func(t *testing.T) string { t.Helper(); return MigratedPostgresURL(t, "notes", migrate) },
			`INSERT INTO notes VALUES ('here')`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			var url string
			t.Run("while it runs", func(t *testing.T) {
				url = tc.provide(t)
				if err := execute(t.Context(), url, tc.statement); err != nil {
					t.Error(err)
				}
			})
			if err := execute(t.Context(), url, `SELECT 1`); err == nil {
				t.Errorf("%s still answers after its test", url)
			}
		})
	}
}

func TestPostgresKeepsItsURLAndDataThroughACrash(t *testing.T) {
	t.Parallel()

	server := StartPostgres(t, Options{Durable: true})
	if err := execute(t.Context(), server.URL(), `CREATE TABLE notes (body text)`); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	if err := execute(t.Context(), server.URL(), `SELECT 1`); err == nil {
		t.Error("a killed server answers")
	}
	server.Restart()
	if err := execute(t.Context(), server.URL(), `INSERT INTO notes VALUES ('here')`); err != nil {
		t.Errorf("after the restart: %v", err)
	}
}

func execute(ctx context.Context, url, statement string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}
