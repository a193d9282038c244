package outbox

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/jwks"
)

// Store stores notices.
type Store interface {
	// DueNotices returns the clients with pending notices.
	DueNotices(ctx context.Context) ([]Due, error)
	// ClaimNotice claims a due notice of a client until lease, and returns ErrNotFound if
	// there is none.
	ClaimNotice(ctx context.Context, clientID string, now, lease time.Time) (*Notice, error)
	PostponeNotice(ctx context.Context, n *Notice, dueAt time.Time) error
	EndNotice(ctx context.Context, n *Notice, state State, now time.Time) error
}

// Clients reads clients.
type Clients interface {
	Client(ctx context.Context, id string) (*client.Client, error)
}

// Signer signs logout tokens.
type Signer interface {
	SignClaims(ctx context.Context, alg jwks.Algorithm, typ string, claims any) (string, error)
}

// Poster posts forms to URLs that clients registered. It returns in less time than a claim
// lasts.
type Poster interface {
	Post(ctx context.Context, url string, form url.Values) (status int, err error)
}

// Pinger notifies clients of decisions about backchannel authentication requests.
type Pinger interface {
	// Ping notifies the client of the request with an ID. It returns [ErrNotFound] if the request or the
	// endpoint of the client does not exist any more.
	Ping(ctx context.Context, c *client.Client, requestID string) (status int, err error)
}

const (
	// lease is how long a claim lasts. A process that has not delivered the notice by then
	// has died.
	lease = 30 * time.Second
	// pollInterval is how often the store is checked for notices of other processes.
	pollInterval = 5 * time.Second

	// healthyResponse is the longest response time of a healthy client.
	healthyResponse = 2 * time.Second
	// penalty is how long a client without notices stays unhealthy.
	penalty = time.Hour

	// The maximum numbers of concurrent deliveries: to one client, to all healthy
	// clients, and to clients whose last delivery failed or was slow, so that these
	// delay only each other.
	perClient    = 2
	maxHealthy   = 32
	maxUnhealthy = 8
)

// Config configures a [Dispatcher]. All members are required.
type Config struct {
	Issuer   string
	Store    Store
	Clients  Clients
	Signer   Signer
	Poster   Poster
	Pinger   Pinger
	Subjects client.Subjects
	Now      func() time.Time
	Log      *slog.Logger
}

// Dispatcher delivers notices. Every replica runs one.
type Dispatcher struct {
	Config

	wake    chan struct{}
	results chan result

	// Only Run uses these.
	queue     []string             // clients with due notices, in turn
	running   map[string]int       // deliveries by client
	unhealthy map[string]time.Time // clients whose last delivery failed or was slow, and when
	busy      struct{ healthy, unhealthy int }
}

// result is the result of a delivery.
type result struct {
	clientID     string
	wasUnhealthy bool // when the delivery began
	unhealthy    bool
	retryAt      time.Time // zero without another attempt
}

// NewDispatcher returns a dispatcher.
func NewDispatcher(c Config) *Dispatcher {
	return &Dispatcher{
		Config: c, wake: make(chan struct{}, 1), results: make(chan result),
		running: map[string]int{}, unhealthy: map[string]time.Time{},
	}
}

// Wake reports that there may be new notices.
func (d *Dispatcher) Wake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Run delivers notices until ctx ends, and then waits for the running deliveries.
func (d *Dispatcher) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var nextPoll time.Time
	poll := func() {
		wait := d.poll(ctx)
		nextPoll = d.Now().Add(wait)
		timer.Reset(wait)
	}
	for {
		select {
		case <-ctx.Done():
			for range d.busy.healthy + d.busy.unhealthy {
				<-d.results
			}
			return
		case r := <-d.results:
			d.record(r)
			// A failed delivery may advance the next poll. It never postpones it, so that
			// many failures do not delay other notices.
			if !r.retryAt.IsZero() && r.retryAt.Before(nextPoll) {
				nextPoll = r.retryAt
				timer.Reset(max(r.retryAt.Sub(d.Now()), 0))
			}
		case <-d.wake:
			poll()
		case <-timer.C:
			poll()
		}
		d.dispatch(ctx)
	}
}

// poll updates the queue and returns when to poll again. Clients keep their position in
// the queue; otherwise clients with many notices would always be first.
func (d *Dispatcher) poll(ctx context.Context) time.Duration {
	wait := pollInterval/2 + rand.N(pollInterval/2) //nolint:gosec // not a credential
	due, err := d.Store.DueNotices(ctx)
	if err != nil {
		if ctx.Err() == nil {
			d.Log.LogAttrs(ctx, slog.LevelWarn, "due notices not read", slog.Any("error", err))
		}
		return wait
	}
	now := d.Now()
	pending := make(map[string]bool, len(due))
	isDue := make(map[string]bool, len(due))
	for _, each := range due {
		pending[each.ClientID] = true
		if left := each.At.Sub(now); left > 0 {
			wait = min(wait, left)
		} else {
			isDue[each.ClientID] = true
		}
	}
	d.queue = slices.DeleteFunc(d.queue, func(id string) bool { return !isDue[id] })
	for _, id := range d.queue {
		delete(isDue, id)
	}
	for _, each := range due {
		if isDue[each.ClientID] {
			d.queue = append(d.queue, each.ClientID)
		}
	}
	for id, since := range d.unhealthy {
		if !pending[id] && now.Sub(since) > penalty {
			delete(d.unhealthy, id)
		}
	}
	return wait
}

// dispatch sends one notice of each client in turn, until the limits are reached.
func (d *Dispatcher) dispatch(ctx context.Context) {
	for waiting := len(d.queue); waiting > 0; waiting-- {
		id := d.queue[0]
		d.queue = d.queue[1:]
		if d.running[id] >= perClient || !d.hasSlot(id) {
			d.queue = append(d.queue, id)
			continue
		}
		now := d.Now()
		n, err := d.Store.ClaimNotice(ctx, id, now, now.Add(lease))
		if errors.Is(err, ErrNotFound) {
			continue // other replicas have claimed the rest, if any
		}
		if err != nil {
			d.queue = nil // the next poll reads it again
			return
		}
		d.send(ctx, n)
		d.queue = append(d.queue, id)
		waiting++
	}
}

// hasSlot reports whether a delivery to the client may begin.
func (d *Dispatcher) hasSlot(clientID string) bool {
	if _, unhealthy := d.unhealthy[clientID]; unhealthy {
		return d.busy.unhealthy < maxUnhealthy
	}
	return d.busy.healthy < maxHealthy
}

// send delivers in the background. The delivery does not end with ctx, so that its result
// is recorded.
func (d *Dispatcher) send(ctx context.Context, n *Notice) {
	d.running[n.ClientID]++
	_, unhealthy := d.unhealthy[n.ClientID]
	if unhealthy {
		d.busy.unhealthy++
	} else {
		d.busy.healthy++
	}
	go func() {
		r := d.deliver(context.WithoutCancel(ctx), n)
		r.clientID, r.wasUnhealthy = n.ClientID, unhealthy
		d.results <- r
	}()
}

// record records the result of a delivery.
func (d *Dispatcher) record(r result) {
	if d.running[r.clientID]--; d.running[r.clientID] == 0 {
		delete(d.running, r.clientID)
	}
	if r.wasUnhealthy {
		d.busy.unhealthy--
	} else {
		d.busy.healthy--
	}
	if r.unhealthy {
		d.unhealthy[r.clientID] = d.Now()
	} else {
		delete(d.unhealthy, r.clientID)
	}
}
