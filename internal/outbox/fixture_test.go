package outbox_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/keyring"
	"github.com/ostiary/ostiary/internal/outbound"
	"github.com/ostiary/ostiary/internal/outbox"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
)

const issuer = "https://id.example"

// fixture is a store with the user ada, a dispatcher that delivers over TLS, and a clock
// that the test advances.
type fixture struct {
	t          *testing.T
	store      *store.Store
	keys       *jwks.Manager
	dispatcher *outbox.Dispatcher

	mu    sync.Mutex
	clock time.Time
	log   bytes.Buffer
}

func newFixture(t *testing.T, s *store.Store) *fixture {
	t.Helper()
	f := &fixture{t: t, store: s, clock: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	secrets, err := keyring.New("a system secret of more than 32 bytes")
	f.must(err)
	f.keys, err = jwks.New(jwks.Config{
		Store: s.Keys, Keyring: secrets, Algorithms: []jwks.Algorithm{jwks.RS256, jwks.ES256},
		Now: f.now, Log: slog.New(slog.DiscardHandler), TokenLifetime: time.Hour,
	})
	f.must(err)
	f.must(f.keys.Start(t.Context()))
	f.must(s.Accounts.InsertAccount(t.Context(), &account.Account{
		Subject: "ada-subject", Username: "ada", CreatedAt: f.now().Add(-time.Hour), UpdatedAt: f.now(),
	}))
	// All servers of httptest have the same certificate.
	server := httptest.NewTLSServer(http.NotFoundHandler())
	certificate := server.Certificate().Raw
	server.Close()
	poster, err := outbound.New(outbound.Config{
		AllowPrivate: true, CA: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
	})
	f.must(err)
	f.dispatcher = outbox.NewDispatcher(outbox.Config{
		Issuer: issuer, Store: s.Outbox, Clients: s.Clients, Signer: f.keys, Poster: poster,
		Subjects: client.Subjects{Salt: []byte("salt")}, Now: f.now, Log: slog.New(slog.NewTextHandler(&locked{f}, nil)),
	})
	return f
}

// locked writes to the log, from several goroutines.
type locked struct{ f *fixture }

func (l *locked) Write(line []byte) (int, error) {
	l.f.mu.Lock()
	defer l.f.mu.Unlock()
	return l.f.log.Write(line)
}

func (f *fixture) logged() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.String()
}

func (f *fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.clock
}

// pass advances the clock and wakes the dispatcher.
func (f *fixture) pass(d time.Duration) {
	f.mu.Lock()
	f.clock = f.clock.Add(d)
	f.mu.Unlock()
	f.dispatcher.Wake()
}

// run runs the dispatcher until the test ends, or the returned function is called.
func (f *fixture) run() (stop func()) {
	f.t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(f.t.Context()))
	var done sync.WaitGroup
	done.Go(func() { f.dispatcher.Run(ctx) })
	stop = func() { cancel(); done.Wait() }
	f.t.Cleanup(stop)
	return stop
}

// receiver registers a client whose notices serve receives.
func (f *fixture) receiver(id string, serve http.HandlerFunc, change func(*client.Client)) *client.Client {
	f.t.Helper()
	server := httptest.NewTLSServer(serve)
	f.t.Cleanup(server.Close)
	c := &client.Client{ID: id, CreatedAt: f.now(), UpdatedAt: f.now()}
	c.RedirectURIs, c.BackchannelLogoutURI = []string{"https://" + id + ".example/cb"}, server.URL+"/back?at=once"
	if change != nil {
		change(c)
	}
	f.must(f.store.Clients.InsertClient(f.t.Context(), c))
	return c
}

// signOut ends a session in which the clients participate, and returns its id.
func (f *fixture) signOut(clients ...string) string {
	f.t.Helper()
	defer f.dispatcher.Wake()
	return f.endSession(clients...)
}

// endSession is signOut without waking the dispatcher.
func (f *fixture) endSession(clients ...string) string {
	f.t.Helper()
	s := &session.Session{
		ID: session.NewID(), Cookie: session.Hash(session.NewCookie()), Subject: "ada-subject",
		AuthTime: f.now(), CreatedAt: f.now(), SeenAt: f.now(), IdleUntil: f.now().Add(time.Hour), EndsAt: f.now().Add(time.Hour),
	}
	f.must(f.store.Sessions.InsertSession(f.t.Context(), s, nil))
	for _, id := range clients {
		f.must(f.store.Sessions.JoinSession(f.t.Context(), s.ID, id, map[string]string{"named": "as-ada"}[id], f.now()))
	}
	_, err := f.store.Sessions.EndSession(f.t.Context(), s.ID, f.now())
	f.must(err)
	return s.ID
}

// only returns the only notice for a client.
func (f *fixture) only(clientID string) *outbox.Notice {
	f.t.Helper()
	list, err := f.store.Outbox.ListNotices(f.t.Context(), store.NoticeFilter{ClientID: clientID}, "", 10)
	f.must(err)
	if len(list) != 1 {
		f.t.Fatalf("%s has %d notices, want one", clientID, len(list))
	}
	return list[0]
}

// becomes waits until the only notice for a client meets a condition.
func (f *fixture) becomes(clientID, what string, is func(*outbox.Notice) bool) *outbox.Notice {
	f.t.Helper()
	for range 2000 {
		if n := f.only(clientID); is(n) {
			return n
		}
		time.Sleep(5 * time.Millisecond)
	}
	f.t.Fatalf("the notice for %s is %+v, want it %s\n%s", clientID, f.only(clientID), what, f.logged())
	return nil
}

// hungOnce waits until a delivery to the client has failed.
func (f *fixture) hungOnce(clientID string) {
	f.t.Helper()
	for range 2000 {
		list, err := f.store.Outbox.ListNotices(f.t.Context(), store.NoticeFilter{ClientID: clientID}, "", 10)
		f.must(err)
		if slices.ContainsFunc(list, func(n *outbox.Notice) bool { return n.LastError != "" }) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	f.t.Fatalf("%s did not hang", clientID)
}

func (f *fixture) settles(clientID string, state outbox.State) *outbox.Notice {
	f.t.Helper()
	return f.becomes(clientID, string(state), func(n *outbox.Notice) bool { return n.State == state })
}
