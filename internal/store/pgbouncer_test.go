package store_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// With PgBouncer in transaction mode and its default settings, migration and concurrent
// statements of requests work. The store warns once that it sends statements without
// preparing them.
func TestThroughPgBouncer(t *testing.T) {
	t.Parallel()
	url := storetest.PgBouncerURL(t, storetest.PostgresURL(t))
	var log logged
	open := func() *store.Store {
		s, err := store.Open(t.Context(), store.Config{URL: url, MaxConns: 6, Log: slog.New(slog.NewTextHandler(&log, nil))})
		must(t, err)
		t.Cleanup(s.Close)
		return s
	}
	s := open()
	taken, err := s.Migrate(t.Context())
	must(t, err)
	if len(taken) == 0 {
		t.Fatal("no step of the schema was taken")
	}
	must(t, s.CheckSchema(t.Context()))
	must(t, s.CheckRights(t.Context()))
	storetest.Follow(t, s)
	must(t, s.CheckWritable(t.Context()))
	_, err = s.Purge(t.Context(), noon)
	must(t, err)
	fixture.Seed(t, s)

	var wait sync.WaitGroup
	for range 24 {
		wait.Go(func() {
			for range 20 {
				g := fixture.Grant("rp", "alice")
				if err := s.Grants.InsertGrant(t.Context(), g); err != nil {
					t.Errorf("InsertGrant = %v", err)
					return
				}
				if _, err := s.Grants.RedeemCode(t.Context(), grant.CodeRedemption{Ref: g.Locator, ClientID: "rp", Now: noon}); err != nil {
					t.Errorf("RedeemCode = %v", err)
				}
				if _, err := s.Grants.LiveGrant(t.Context(), g.Locator, "jti", noon); err != nil {
					t.Errorf("LiveGrant = %v", err)
				}
				if _, err := s.Clients.Client(t.Context(), "rp"); err != nil {
					t.Errorf("Client = %v", err)
				}
			}
		})
	}
	wait.Wait()
	other := open()
	storetest.Follow(t, other)
	must(t, other.Clients.EndClientTokens(context.WithoutCancel(t.Context()), "rp", noon))
	_, err = s.Purge(t.Context(), noon.Add(400*24*time.Hour))
	must(t, err)
	if n := strings.Count(log.String(), "does not keep prepared statements"); n < 1 || n > 2 {
		t.Errorf("two stores warned %d times:\n%s", n, log.String())
	}
	if strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("the log has errors:\n%s", log.String())
	}
}

// logged is a log for concurrent use.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// The role gets the session settings, which poolers do not accept from connections;
// settings made by hand stay.
func TestMigrateSetsUpTheRole(t *testing.T) {
	t.Parallel()
	address := storetest.PostgresURL(t)
	role := storetest.Role(t, address, true)
	storetest.Exec(t, address, `ALTER ROLE `+role.Name+` SET jit = on`)
	s := storetest.Open(t, role.URL)
	_, err := s.Migrate(t.Context())
	must(t, err)
	through := storetest.Open(t, storetest.PgBouncerURL(t, role.URL))
	for parameter, want := range map[string]string{
		"statement_timeout": "3s", "lock_timeout": "3s", "idle_in_transaction_session_timeout": "10s",
		"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "jit": "on",
	} {
		wantSame(t, parameter, through.Setting(t.Context(), t, parameter), want)
	}
}

// The error lists the rights that a role lacks.
func TestMissingRightsAreListed(t *testing.T) {
	t.Parallel()
	address := storetest.MigratedURL(t)
	role := storetest.Role(t, address, false)
	rights := func() string {
		t.Helper()
		if err := storetest.Open(t, role.URL).CheckRights(t.Context()); err != nil {
			return err.Error()
		}
		return ""
	}
	for _, want := range []string{"SELECT on table clients", "DELETE on table grants", "owns table grants", "CREATE on schema public"} {
		if got := rights(); !strings.Contains(got, want) {
			t.Errorf("the error %q does not name %q", got, want)
		}
	}
	storetest.Exec(t, address, `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO `+role.Name)
	if got := rights(); strings.Contains(got, "on table clients") || !strings.Contains(got, "owns table grants") {
		t.Errorf("with rights on rows alone the error is %q", got)
	}
	storetest.Exec(t, address, `GRANT CREATE ON SCHEMA public TO `+role.Name)
	storetest.Exec(t, address, `GRANT `+storetest.Superuser+` TO `+role.Name)
	wantSame(t, "missing, with all", rights(), "")
	_, err := storetest.Open(t, role.URL).Purge(t.Context(), noon)
	must(t, err)
}

// A connection that rejected a write is not used again: after the server accepts
// writes, the first statement of each caller succeeds.
func TestPoolRecoversFromAReadOnlyServer(t *testing.T) {
	t.Parallel()
	address := storetest.MigratedURL(t)
	s := storetest.Open(t, address)
	fixture.Seed(t, s)
	for round := range 3 {
		storetest.SetReadOnly(t, address, true)
		eventually(t, "the pool has several connections that refuse writes", func() bool {
			for _, err := range fixture.Race(t, s, s, func(ctx context.Context, s *store.Store) error { _, err := s.Clients.Client(ctx, "rp"); return err }) {
				if err != nil {
					return false // the server has closed the connection
				}
			}
			return s.Connections().Idle >= 2
		})
		if err := s.Grants.DenyToken(t.Context(), "a", noon); !isUnavailable(err) || !strings.Contains(err.Error(), "25006") {
			t.Fatalf("round %d: DenyToken of a read-only server = %v, want it refused as read-only", round, err)
		}
		storetest.SetReadOnly(t, address, false)
		for _, err := range fixture.Race(t, s, s, func(ctx context.Context, s *store.Store) error { return s.Grants.DenyToken(ctx, "b", noon) }) {
			if err != nil {
				t.Fatalf("round %d: the first DenyToken of a caller after the server takes writes = %v", round, err)
			}
		}
	}
}
