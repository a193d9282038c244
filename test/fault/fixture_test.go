//go:build fault

// Package fault injects faults: it runs concurrent requests against several replicas,
// kills replicas and the database under load, and checks that acknowledged operations
// hold.
//
// Tests observe the server over HTTP only. The requests and responses of clients are
// recorded in a history, which a checker verifies.
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

// workers is the number of concurrent clients.
const workers = 32

// fixture is a running server with registered clients and signed-in users.
type fixture struct {
	*rig.Cluster

	clients  rig.Clients
	client   *rig.Client // of most tests, without consent
	user     rig.User
	browsers []*rig.Browser
}

// newFixture starts two replicas and signs in as many users as there are workers.
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
		// Sequentially, since the server rejects sign-ins beyond its hashing capacity.
		p := rig.NewBrowser(h.Endpoint, h.user)
		if h.authorize(t, p); t.Failed() {
			t.FailNow()
		}
		h.browsers = append(h.browsers, p)
	}
	return h
}

// eachEngine runs a test on each engine, sequentially: concurrent load of two servers
// would make races less likely.
func eachEngine(t *testing.T, test func(t *testing.T, h *fixture)) {
	t.Helper()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			test(t, newFixture(t, rig.Options{Database: rig.Database(t, engine)}))
		})
	}
}

// code is an authorization code with its verifier.
type code struct {
	value, verifier string
	at              time.Time
}

// authorize completes an authorization request and returns the code.
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

// codes completes n authorization requests.
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

// tokens exchanges a new code for tokens.
func (h *fixture) tokens(t *testing.T) (access, refresh string) {
	t.Helper()
	got := h.exchange(t.Context(), h.authorize(t, h.browsers[0]))
	if got.Status != 200 {
		t.Fatalf("exchange: %v", got)
	}
	return got.Text("access_token"), got.Text("refresh_token")
}

// active reports whether a token is active. It fails the test if the replicas return
// different results or errors.
func (h *fixture) active(t *testing.T, token string) bool {
	t.Helper()
	var active [2]bool
	for i := range h.Len() {
		got := h.At(i).Introspect(t.Context(), h.client, token)
		if got.Status != 200 {
			t.Fatalf("introspection by replica %d: %v", i, got)
		}
		active[i] = got.Active()
	}
	if active[0] != active[1] {
		t.Errorf("a token is active at one replica only: %v", active)
	}
	return active[0]
}

// runWorkers runs work for each item in a separate goroutine and waits for all.
func runWorkers[T any](items []T, work func(i int, item T)) {
	var wait sync.WaitGroup
	for i, item := range items {
		wait.Go(func() { work(i, item) })
	}
	wait.Wait()
}

// concurrently calls n goroutines at the same time and returns their results.
func concurrently[T any](n int, call func(i int) T) []T {
	results := make([]T, n)
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-start
			results[i] = call(i)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
	return results
}

// newRandom returns a random source, and logs its seed to reproduce the run.
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

// rounds returns n, or a tenth of it with -short.
func rounds(n int) int {
	if testing.Short() {
		return max(2, n/10)
	}
	return n
}
