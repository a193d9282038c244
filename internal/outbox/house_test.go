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

// house is a store with ada in it, a courier that delivers over TLS, and a clock
// that the test moves.
type house struct {
	t       *testing.T
	store   *store.Store
	keys    *jwks.Manager
	courier *outbox.Courier

	mu    sync.Mutex
	clock time.Time
	log   bytes.Buffer
}

func newHouse(t *testing.T, s *store.Store) *house {
	t.Helper()
	h := &house{t: t, store: s, clock: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	secrets, err := keyring.New("a system secret of more than 32 bytes")
	h.must(err)
	h.keys, err = jwks.New(jwks.Config{
		Store: s.Keys, Keyring: secrets, Algorithms: []jwks.Algorithm{jwks.RS256, jwks.ES256},
		Now: h.now, Log: slog.New(slog.DiscardHandler), TokenLifetime: time.Hour,
	})
	h.must(err)
	h.must(h.keys.Start(t.Context()))
	h.must(s.Accounts.InsertAccount(t.Context(), &account.Account{
		Subject: "ada-subject", Username: "ada", CreatedAt: h.now().Add(-time.Hour), UpdatedAt: h.now(),
	}))
	// All of these servers have one certificate.
	server := httptest.NewTLSServer(http.NotFoundHandler())
	certificate := server.Certificate().Raw
	server.Close()
	poster, err := outbound.New(outbound.Config{
		AllowPrivate: true, CA: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
	})
	h.must(err)
	h.courier = outbox.NewCourier(outbox.Config{
		Issuer: issuer, Store: s.Outbox, Clients: s.Clients, Signer: h.keys, Poster: poster,
		Subjects: client.Subjects{Salt: []byte("salt")}, Now: h.now, Log: slog.New(slog.NewTextHandler(&locked{h: h}, nil)),
	})
	return h
}

// locked is the log, which several write.
type locked struct{ h *house }

func (l *locked) Write(line []byte) (int, error) {
	l.h.mu.Lock()
	defer l.h.mu.Unlock()
	return l.h.log.Write(line)
}

func (h *house) logged() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.log.String()
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.clock
}

// pass lets time go by and tells the courier.
func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	h.clock = h.clock.Add(d)
	h.mu.Unlock()
	h.courier.Wake()
}

// run lets the courier work until the test ends, or the returned function is called.
func (h *house) run() (stop func()) {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(h.t.Context()))
	var done sync.WaitGroup
	done.Go(func() { h.courier.Run(ctx) })
	stop = func() { cancel(); done.Wait() }
	h.t.Cleanup(stop)
	return stop
}

// receiver registers a client whose notices serve takes.
func (h *house) receiver(id string, serve http.HandlerFunc, change func(*client.Client)) *client.Client {
	h.t.Helper()
	server := httptest.NewTLSServer(serve)
	h.t.Cleanup(server.Close)
	c := &client.Client{ID: id, CreatedAt: h.now(), UpdatedAt: h.now()}
	c.RedirectURIs, c.BackchannelLogoutURI = []string{"https://" + id + ".example/cb"}, server.URL+"/back?at=once"
	if change != nil {
		change(c)
	}
	h.must(h.store.Clients.InsertClient(h.t.Context(), c))
	return c
}

// signOut ends a session in which the clients took part, and returns its id.
func (h *house) signOut(clients ...string) string {
	h.t.Helper()
	defer h.courier.Wake()
	return h.endSession(clients...)
}

// endSession does so without a word to the courier.
func (h *house) endSession(clients ...string) string {
	h.t.Helper()
	s := &session.Session{
		ID: session.NewID(), Cookie: session.Hash(session.NewCookie()), Subject: "ada-subject",
		AuthTime: h.now(), CreatedAt: h.now(), SeenAt: h.now(), IdleUntil: h.now().Add(time.Hour), EndsAt: h.now().Add(time.Hour),
	}
	h.must(h.store.Sessions.InsertSession(h.t.Context(), s, nil))
	for _, id := range clients {
		h.must(h.store.Sessions.JoinSession(h.t.Context(), s.ID, id, map[string]string{"named": "as-ada"}[id], h.now()))
	}
	_, err := h.store.Sessions.EndSession(h.t.Context(), s.ID, h.now())
	h.must(err)
	return s.ID
}

// only returns the one notice for a client.
func (h *house) only(clientID string) *outbox.Notice {
	h.t.Helper()
	list, err := h.store.Outbox.ListNotices(h.t.Context(), store.NoticeFilter{ClientID: clientID}, "", 10)
	h.must(err)
	if len(list) != 1 {
		h.t.Fatalf("%s has %d notices, want one", clientID, len(list))
	}
	return list[0]
}

// becomes waits until the one notice for a client is as it should be.
func (h *house) becomes(clientID, what string, is func(*outbox.Notice) bool) *outbox.Notice {
	h.t.Helper()
	for range 2000 {
		if n := h.only(clientID); is(n) {
			return n
		}
		time.Sleep(5 * time.Millisecond)
	}
	h.t.Fatalf("the notice for %s is %+v, want it %s\n%s", clientID, h.only(clientID), what, h.logged())
	return nil
}

// hungOnce waits until a client is known for hanging.
func (h *house) hungOnce(clientID string) {
	h.t.Helper()
	for range 2000 {
		list, err := h.store.Outbox.ListNotices(h.t.Context(), store.NoticeFilter{ClientID: clientID}, "", 10)
		h.must(err)
		if slices.ContainsFunc(list, func(n *outbox.Notice) bool { return n.Fault != "" }) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	h.t.Fatalf("%s did not hang", clientID)
}

func (h *house) settles(clientID string, state outbox.State) *outbox.Notice {
	h.t.Helper()
	return h.becomes(clientID, string(state), func(n *outbox.Notice) bool { return n.State == state })
}
