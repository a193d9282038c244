package store_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

func TestDatabaseIsUsedAgainAfterARestart(t *testing.T) {
	t.Parallel()

	server := storetest.StartPostgres(t, storetest.Options{Durable: true})
	s := storetest.Open(t, server.URL())
	_, err := s.Migrate(t.Context())
	must(t, err)
	fixture.Seed(t, s)
	g := fixture.InsertGrant(t, s, nil)

	for name, end := range map[string]func(){"stop": server.Stop, "kill": server.Kill} {
		end()
		// The backends of a killed server may respond for a moment.
		if _, err := s.Grants.LiveGrant(t.Context(), g.Locator, "", noon); !isUnavailable(err) && (err != nil || name == "stop") {
			t.Errorf("LiveGrant after %s = %v, want it unavailable", name, err)
		}
		server.Restart()
		for !answers(t, s) {
			t.Log("not yet back")
		}
		fixture.WantLive(t, s, g.Locator, noon, true)
	}
}

// answers reports whether the store has closed the broken connection.
func answers(t *testing.T, s *store.Store) bool {
	t.Helper()
	err := s.Ping(t.Context())
	if err != nil && !isUnavailable(err) {
		t.Fatalf("Ping = %v, want it to be unavailable or to succeed", err)
	}
	return err == nil
}

func TestLockedSQLiteIsUnavailable(t *testing.T) {
	t.Parallel()

	url := storetest.SQLiteURL(t)
	s := storetest.Open(t, url)
	fixture.Seed(t, s)
	db, err := sql.Open("sqlite", strings.TrimPrefix(url, "sqlite:")+"?_txlock=immediate")
	must(t, err)
	defer db.Close()
	other, err := db.BeginTx(t.Context(), nil)
	must(t, err)

	if err := s.Grants.DenyToken(t.Context(), "jti", noon); !isUnavailable(err) {
		t.Errorf("DenyToken while another process writes = %v, want it unavailable", err)
	}
	_, err = s.Clients.Client(t.Context(), "rp")
	must(t, err)
	must(t, other.Rollback())
	must(t, s.Grants.DenyToken(t.Context(), "jti", noon))
}

func TestLockedPostgresIsUnavailable(t *testing.T) {
	t.Parallel()

	url := storetest.MigratedURL(t)
	s, err := store.Open(t.Context(), store.Config{URL: url, MaxConns: 1})
	must(t, err)
	defer s.Close()
	conn, err := pgx.Connect(t.Context(), url)
	must(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), `BEGIN; LOCK TABLE clients`)
	must(t, err)

	// One caller waits for the lock, the others for its connection.
	for _, err := range fixture.Race(t, s, s, func(ctx context.Context, s *store.Store) error {
		_, err := s.Clients.Client(ctx, "rp")
		return err
	}) {
		if !isUnavailable(err) {
			t.Errorf("Client of a locked table = %v, want it unavailable", err)
		}
	}
	_, err = conn.Exec(t.Context(), `ROLLBACK`)
	must(t, err)
	_, err = s.Clients.Client(t.Context(), "rp")
	wantErr(t, "Client after the lock", err, client.ErrNotFound)
}

func TestReadOnlyIsUnavailable(t *testing.T) {
	t.Parallel()

	s := storetest.Open(t, storetest.MigratedURL(t)+"&default_transaction_read_only=on")
	if err := s.Grants.DenyToken(t.Context(), "jti", noon); !isUnavailable(err) {
		t.Errorf("DenyToken on a replica = %v, want it unavailable", err)
	}
}

func TestDamagedFileIsUnavailable(t *testing.T) {
	t.Parallel()

	path := filepath.Join(t.TempDir(), "ostiary.db")
	s := storetest.Open(t, "sqlite:"+path)
	_, err := s.Migrate(t.Context())
	must(t, err)
	s.Close()
	must(t, damage(path))
	if s, err = store.Open(t.Context(), store.Config{URL: "sqlite:" + path}); err == nil {
		defer s.Close()
		_, err = s.Clients.Client(t.Context(), "rp")
	}
	if !isUnavailable(err) {
		t.Errorf("reading a damaged file = %v, want it unavailable", err)
	}
}
