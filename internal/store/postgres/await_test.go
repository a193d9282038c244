package postgres_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/db"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// heldProxy returns the URL of the database through a proxy that forwards no byte until open is
// closed.
func heldProxy(t *testing.T, databaseURL string, open <-chan struct{}) string {
	t.Helper()
	config, err := pgx.ParseConfig(databaseURL)
	must(t, err)
	network, address := pgconn.NetworkAddress(config.Host, config.Port)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				<-open
				to, err := (&net.Dialer{}).DialContext(context.Background(), network, address)
				if err != nil {
					return
				}
				defer to.Close()
				go func() { _, _ = io.Copy(to, c) }()
				_, _ = io.Copy(c, to)
			}()
		}
	}()
	u, err := url.Parse(databaseURL)
	must(t, err)
	query := u.Query()
	query.Del("host")
	query.Del("port")
	u.Host, u.RawQuery = l.Addr().String(), query.Encode()
	return u.String()
}

// onRecord calls itself for each log record.
type onRecord func(slog.Record)

func (onRecord) Enabled(context.Context, slog.Level) bool        { return true }
func (h onRecord) Handle(_ context.Context, r slog.Record) error { h(r); return nil }
func (h onRecord) WithAttrs([]slog.Attr) slog.Handler            { return h }
func (h onRecord) WithGroup(string) slog.Handler                 { return h }

// A server that starts waits for a connection that takes longer than a request may wait, and says
// so once.
func TestStartWaitsForTheDatabase(t *testing.T) {
	t.Parallel()
	open, lines := make(chan struct{}), 0
	log := slog.New(onRecord(func(r slog.Record) {
		if lines++; r.Message == "waiting for the database" {
			close(open)
		}
	}))
	address := heldProxy(t, storetest.MigratedURL(t), open)
	s, err := store.Open(t.Context(), store.Config{URL: address, Log: log})
	must(t, err)
	defer s.Close()
	if err := s.Ping(t.Context()); !db.IsUnavailable(err) {
		t.Errorf("a request without a connection: %v, want an unavailable database", err)
	}
	must(t, s.AwaitDatabase(t.Context(), time.Minute))
	if lines != 1 {
		t.Errorf("%d log lines, want 1", lines)
	}
	must(t, s.CheckSchema(t.Context()))
}

// A rejected connection is an error without a wait, and so is the end of the time.
func TestStartGivesUpOnTheDatabase(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(storetest.MigratedURL(t))
	must(t, err)
	u.Path = "/no-such-database"
	lines := 0
	log := slog.New(onRecord(func(slog.Record) { lines++ }))
	for address, want := range map[string]int{u.String(): 0, heldProxy(t, u.String(), make(chan struct{})): 1} {
		lines = 0
		s, err := store.Open(t.Context(), store.Config{URL: address, Log: log})
		must(t, err)
		if err := s.AwaitDatabase(t.Context(), time.Millisecond); err == nil || lines != want {
			t.Errorf("AwaitDatabase = %v with %d log lines, want an error with %d", err, lines, want)
		}
		s.Close()
	}
}
