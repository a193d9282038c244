//go:build fault

// Package fault breaks things on purpose: it races whole servers against each
// other, kills them and their database under load, and then holds them to what
// they had acknowledged.
//
// Everything is seen from outside, over HTTP. What clients sent and got goes into
// a history, and a checker that knows nothing else judges it.
package fault

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/test/rig"
)

// workers is how many clients work at once.
const workers = 32

// fixture is a running server, the clients it knows, and people who are signed in.
type fixture struct {
	*rig.Cluster

	clients  rig.Clients
	client   *rig.Client // that most tests play; it asks nobody for consent
	user     rig.User
	browsers []*rig.Browser
}

// newFixture starts a server of two replicas with as many people signed in as there
// are workers.
func newFixture(t *testing.T, options rig.Options) *fixture {
	t.Helper()
	options.Replicas = 2
	h := &fixture{
		Cluster: rig.Serve(t, options), clients: rig.StandardClients(),
		user: rig.User{Username: "ada", Password: "correct horse battery staple"},
	}
	h.client = &h.clients.Trusted
	rig.ImportClients(t, h.Cluster, h.clients.All()...)
	rig.ImportUsers(t, h.Cluster, h.user)
	for range workers {
		// One at a time: the server sheds those whose passwords it cannot check soon.
		p := rig.NewBrowser(h.Endpoint, h.user)
		if h.authorize(t, p); t.Failed() {
			t.FailNow()
		}
		h.browsers = append(h.browsers, p)
	}
	return h
}

// eachEngine runs a test on a house of each engine, one after the other: two under
// load at once would hide races behind each other.
func eachEngine(t *testing.T, test func(t *testing.T, h *fixture)) {
	t.Helper()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			test(t, newFixture(t, rig.Options{Database: rig.Database(t, engine)}))
		})
	}
}

// code is an authorization code in the hands of its client.
type code struct {
	value, verifier string
	at              time.Time
}

// authorize lets a person authorize the client.
func (h *fixture) authorize(t *testing.T, p *rig.Browser) code {
	t.Helper()
	a, err := p.Authorize(t.Context(), h.client, nil)
	if err != nil {
		t.Errorf("authorize: %v", err)
		return code{}
	}
	if a.Code == "" {
		t.Errorf("authorize: %s (%s)", a.Error, a.Description)
	}
	return code{a.Code, a.Verifier, time.Now()}
}

// codes lets everyone authorize the client until there are n codes.
func (h *fixture) codes(t *testing.T, n int) []code {
	t.Helper()
	all := make([]code, n)
	runWorkers(h.browsers, func(worker int, p *rig.Browser) {
		for i := worker; i < n && !t.Failed(); i += len(h.browsers) {
			all[i] = h.authorize(t, p)
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	return all
}

func (h *fixture) exchange(ctx context.Context, c code) *rig.Response {
	return h.Exchange(ctx, h.client, c.value, c.verifier)
}

// tokens redeems a code that must be good.
func (h *fixture) tokens(t *testing.T) (access, refresh string) {
	t.Helper()
	got := h.exchange(t.Context(), h.authorize(t, h.browsers[0]))
	if got.Status != 200 {
		t.Fatalf("exchange: %v", got)
	}
	return got.Text("access_token"), got.Text("refresh_token")
}

// active reports what every replica says of a token, and fails the test if they
// do not agree, or do not answer.
func (h *fixture) active(t *testing.T, token string) bool {
	t.Helper()
	var said [2]bool
	for i := range h.Len() {
		got := h.At(i).Introspect(t.Context(), h.client, token)
		if got.Status != 200 {
			t.Fatalf("introspection by replica %d: %v", i, got)
		}
		said[i] = got.Active()
	}
	if said[0] != said[1] {
		t.Errorf("a token is active at one replica only: %v", said)
	}
	return said[0]
}

// runWorkers gives each item to a worker of its own and waits for all.
func runWorkers[T any](items []T, work func(i int, item T)) {
	var wait sync.WaitGroup
	for i, item := range items {
		wait.Go(func() { work(i, item) })
	}
	wait.Wait()
}

// concurrently lets n callers go at the same moment and returns what each got.
func concurrently[T any](n int, call func(i int) T) []T {
	results := make([]T, n)
	var ready, done sync.WaitGroup
	gate := make(chan struct{})
	for i := range n {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-gate
			results[i] = call(i)
		})
	}
	ready.Wait()
	close(gate)
	done.Wait()
	return results
}

// newRandom returns the source of a test's random decisions, and prints how to have
// the same ones again.
func newRandom(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if given := os.Getenv("OSTIARY_TEST_SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatalf("OSTIARY_TEST_SEED: %v", err)
		}
	}
	t.Logf("OSTIARY_TEST_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// rounds is n, or few of them with -short.
func rounds(n int) int {
	if testing.Short() {
		return max(2, n/10)
	}
	return n
}
