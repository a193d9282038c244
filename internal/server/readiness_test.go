package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/test/rig"
)

const notWritable = `{"errors":{"database":"does not take writes"}}`

// A server whose PostgreSQL has become a standby is not ready, and is again when it takes
// writes.
func TestReadinessOfAReadOnlyDatabase(t *testing.T) {
	t.Parallel()
	address := storetest.MigratedURL(t)
	s := servertest.StartWithApps(t, storetest.Open(t, address), nil)
	probes := map[string]func() servertest.Response{
		"public": func() servertest.Response { return s.NewBrowser().Get("/health/ready") },
		"admin":  func() servertest.Response { return s.CallAdmin(http.MethodGet, "/health/ready", "") },
	}
	for name, ready := range probes {
		if p := ready(); p.Status != http.StatusOK {
			t.Fatalf("%s, before: %d %s", name, p.Status, p.Body)
		}
	}
	storetest.SetReadOnly(t, address, true)
	for name, ready := range probes {
		eventually(t, name+" readiness says that writing does not work", func() bool {
			p := ready()
			return p.Status == http.StatusServiceUnavailable && strings.TrimSpace(p.Body) == notWritable && p.Header.Get("Retry-After") != ""
		})
	}
	storetest.SetReadOnly(t, address, false)
	for name, ready := range probes {
		eventually(t, name+" readiness comes back", func() bool { return ready().Status == http.StatusOK })
	}
}

// A server whose SQLite file cannot grow is not ready. It rejects requests that write, serves the
// others, and becomes ready when the disk has space.
func TestReadinessOnAFullDisk(t *testing.T) {
	t.Parallel()
	c := rig.Serve(t, rig.Options{DiskMayFill: true})
	machine := rig.StandardClients().Machine
	rig.ImportClients(t, c, machine)
	client := map[string]any{"redirect_uris": []string{"https://client.example/cb"}}
	rig.FillDisk(c, 0)
	eventually(t, "readiness says that writing does not work", func() bool {
		a := c.At(0).Get(t.Context(), "/health/ready")
		return a.Status == http.StatusServiceUnavailable && strings.TrimSpace(a.Body) == notWritable && a.Header.Get("Retry-After") != ""
	})
	if a := c.At(0).Register(t.Context(), client); a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
		t.Errorf("registration on a full disk: %v, want 503 with Retry-After", a)
	}
	if a := c.At(0).Credentials(t.Context(), &machine); a.Status != http.StatusOK {
		t.Errorf("client credentials, which write nothing: %v", a)
	}
	rig.FreeDisk(c, 0)
	eventually(t, "readiness comes back", func() bool { return c.At(0).Get(t.Context(), "/health/ready").Status == http.StatusOK })
	if a := c.At(0).Register(t.Context(), client); a.Status != http.StatusCreated {
		t.Errorf("registration afterwards: %v", a)
	}
}

// While the database is lost, a cached client is used for a second and no longer: it may
// have been deleted by a replica that has the database.
func TestCachedClientIsNotUsedWithoutDatabase(t *testing.T) {
	t.Parallel()
	server := storetest.StartPostgres(t, storetest.Options{})
	db, err := store.Open(t.Context(), store.Config{URL: server.URL(), MaxConns: 6}) // connections live as long as in production
	servertest.Must(t, err)
	t.Cleanup(db.Close)
	_, err = db.Migrate(t.Context())
	servertest.Must(t, err)
	s := servertest.Start(t, db, nil)
	credentials := func() servertest.Response { return s.PostForm("/oauth2/token", clientCredentials()) }
	for range 2 {
		server.Stop()
		lost := time.Now()
		eventually(t, "client credentials are refused", func() bool {
			sent := time.Now()
			p := credentials()
			if p.Status == http.StatusOK && sent.Sub(lost) > time.Second {
				t.Fatalf("a client was used %v after the database was lost", sent.Sub(lost))
			}
			return p.Status != http.StatusOK
		})
		for range 3 {
			if p := credentials(); p.Status != http.StatusServiceUnavailable || p.Header.Get("Retry-After") == "" {
				t.Errorf("client credentials without the database: %d %s, Retry-After %q, want 503 with Retry-After", p.Status, p.Body, p.Header.Get("Retry-After"))
			}
		}
		server.Restart()
		eventually(t, "client credentials are given again", func() bool {
			p := credentials()
			if p.Status != http.StatusOK && p.Status != http.StatusServiceUnavailable {
				t.Errorf("client credentials meanwhile: %d %s", p.Status, p.Body)
			}
			return p.Status == http.StatusOK
		})
	}
}

// eventually polls the condition for up to a minute; then the test stops.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for until := time.Now().Add(time.Minute); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}
