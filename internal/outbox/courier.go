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

// Store keeps the notices.
type Store interface {
	DueNotices(ctx context.Context) ([]Due, error)
	// ClaimNotice returns ErrNotFound if none of the client's is due.
	ClaimNotice(ctx context.Context, clientID string, now, lease time.Time) (*Notice, error)
	PostponeNotice(ctx context.Context, n *Notice, dueAt time.Time) error
	EndNotice(ctx context.Context, n *Notice, state State, now time.Time) error
}

// Clients finds registered clients.
type Clients interface {
	Client(ctx context.Context, id string) (*client.Client, error)
}

// Signer signs logout tokens.
type Signer interface {
	SignClaims(ctx context.Context, alg jwks.Algorithm, typ string, claims any) (string, error)
}

// Poster posts forms to addresses that clients chose. It must end by itself, in
// less time than a claim holds.
type Poster interface {
	Post(ctx context.Context, url string, form url.Values) (status int, err error)
}

const (
	// lease is how long a claimed notice is kept from others; whoever has not
	// delivered it by then has died.
	lease = 30 * time.Second
	// look is how often the notices are looked through, for those that another
	// process wrote or left.
	look = 5 * time.Second

	// brisk is how long a client takes at most that takes its notices well.
	brisk = 2 * time.Second
	// grudge is how long it is remembered of a client without notices that it did not.
	grudge = time.Hour

	// Under way at once: for one client, for all that take notices well, and for
	// those whose last one went wrong or took long, so that they hold up each other
	// and nobody else.
	perClient  = 2
	forHealthy = 32
	forSick    = 8
)

// Config is what a [Courier] is made from.
type Config struct {
	Issuer   string
	Store    Store
	Clients  Clients
	Signer   Signer
	Poster   Poster
	Subjects client.Subjects
	Now      func() time.Time
	Log      *slog.Logger
}

// Courier delivers notices. Every replica runs one.
type Courier struct {
	Config

	wake chan struct{}
	back chan returned

	// What follows is Run's alone.
	queue    []string             // clients with notices that are due, whose turn comes round
	underWay map[string]int       // by client
	sick     map[string]time.Time // clients whose last notice went wrong or took long, and when
	busy     struct{ healthy, sick int }
}

// returned says how the delivery of one notice ended.
type returned struct {
	clientID string
	wasSick  bool // whose place it took
	unwell   bool
	next     time.Time // of the next try, zero if there is none
}

// NewCourier returns a courier over c, all of whose members are set.
func NewCourier(c Config) *Courier {
	return &Courier{
		Config: c, wake: make(chan struct{}, 1), back: make(chan returned),
		underWay: map[string]int{}, sick: map[string]time.Time{},
	}
}

// Wake tells the courier that there may be new notices.
func (c *Courier) Wake() {
	select {
	case c.wake <- struct{}{}:
	default: // it has been told
	}
}

// Run delivers until ctx ends, and then finishes what is under way.
func (c *Courier) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var again time.Time // when the notices are looked through next
	lookThrough := func() {
		wait := c.list(ctx)
		again = c.Now().Add(wait)
		timer.Reset(wait)
	}
	for {
		select {
		case <-ctx.Done():
			for range c.busy.healthy + c.busy.sick {
				<-c.back
			}
			return
		case r := <-c.back:
			c.settle(r)
			// It can be sooner for a failure, but never later, however many there are.
			if !r.next.IsZero() && r.next.Before(again) {
				again = r.next
				timer.Reset(max(r.next.Sub(c.Now()), 0))
			}
		case <-c.wake:
			lookThrough()
		case <-timer.C:
			lookThrough()
		}
		c.dispatch(ctx)
	}
}

// list brings the queue up to date and returns when to do so again. Whoever is in
// it keeps their place, or many notices of the same clients would come first again
// and again.
func (c *Courier) list(ctx context.Context) time.Duration {
	wait := look/2 + rand.N(look/2) //nolint:gosec // not a credential
	due, err := c.Store.DueNotices(ctx)
	if err != nil {
		if ctx.Err() == nil {
			c.Log.LogAttrs(ctx, slog.LevelWarn, "notices not looked through", slog.Any("error", err))
		}
		return wait
	}
	now := c.Now()
	pending := make(map[string]bool, len(due))
	isDue := make(map[string]bool, len(due))
	for _, d := range due {
		pending[d.ClientID] = true
		if left := d.At.Sub(now); left > 0 {
			wait = min(wait, left)
		} else {
			isDue[d.ClientID] = true
		}
	}
	c.queue = slices.DeleteFunc(c.queue, func(id string) bool { return !isDue[id] })
	for _, id := range c.queue {
		delete(isDue, id)
	}
	for _, d := range due {
		if isDue[d.ClientID] {
			c.queue = append(c.queue, d.ClientID)
		}
	}
	for id, since := range c.sick {
		if !pending[id] && now.Sub(since) > grudge {
			delete(c.sick, id) // forgotten, rather than kept for ever
		}
	}
	return wait
}

// dispatch gives each client in the queue its turn while there are places, one
// notice at a time.
func (c *Courier) dispatch(ctx context.Context) {
	for waiting := len(c.queue); waiting > 0; waiting-- {
		id := c.queue[0]
		c.queue = c.queue[1:]
		if c.underWay[id] >= perClient || !c.room(id) {
			c.queue = append(c.queue, id)
			continue
		}
		now := c.Now()
		n, err := c.Store.ClaimNotice(ctx, id, now, now.Add(lease))
		if errors.Is(err, ErrNotFound) {
			continue // that was the last, or others have it
		}
		if err != nil {
			c.queue = nil // the next look finds them all
			return
		}
		c.send(ctx, n)
		c.queue = append(c.queue, id)
		waiting++
	}
}

func (c *Courier) room(clientID string) bool {
	if _, sick := c.sick[clientID]; sick {
		return c.busy.sick < forSick
	}
	return c.busy.healthy < forHealthy
}

// send delivers in the background. It is not cut off with ctx: a receiver that has
// the notice should be known to have it.
func (c *Courier) send(ctx context.Context, n *Notice) {
	c.underWay[n.ClientID]++
	_, sick := c.sick[n.ClientID]
	if sick {
		c.busy.sick++
	} else {
		c.busy.healthy++
	}
	go func() {
		r := c.deliver(context.WithoutCancel(ctx), n)
		r.clientID, r.wasSick = n.ClientID, sick
		c.back <- r
	}()
}

// settle frees the place of a delivery.
func (c *Courier) settle(r returned) {
	if c.underWay[r.clientID]--; c.underWay[r.clientID] == 0 {
		delete(c.underWay, r.clientID)
	}
	if r.wasSick {
		c.busy.sick--
	} else {
		c.busy.healthy--
	}
	if r.unwell {
		c.sick[r.clientID] = c.Now()
	} else {
		delete(c.sick, r.clientID)
	}
}
