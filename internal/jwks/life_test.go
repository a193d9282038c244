package jwks

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// replica is one process of the simulated year.
type replica struct {
	*Manager
	link    *link
	clock   *clock
	stopped time.Duration // until then it neither works nor answers
}

// copied is a key set in the cache of a client.
type copied struct {
	kids []string
	ends time.Duration
}

// year simulates a year of two replicas on one store: iterations are late, processes stop,
// restart and lose the store, clocks jump, operators rotate. It has the true time and
// checks what clients see.
type year struct {
	t        *testing.T
	rand     *rand.Rand
	now      time.Duration
	store    *memory
	replicas []*replica
	copies   []copied
	lives    map[string]time.Duration // the end of the last token of each kid
	first    string
	parsed   map[string][]string // kids by entity tag
}

func TestGuaranteesHoldThroughASimulatedYear(t *testing.T) {
	t.Parallel()
	for name, seed := range map[string]uint64{"one year": 1, "another": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			y := &year{t: t, rand: rand.New(rand.NewPCG(seed, seed)), store: &memory{}, lives: map[string]time.Duration{}, parsed: map[string][]string{}}
			for range 2 {
				y.replicas = append(y.replicas, &replica{clock: &clock{}, link: &link{Store: y.store}})
			}
			for _, r := range y.replicas {
				y.restart(r)
			}
			y.first = y.store.inState(EdDSA, Current)[0]
			for y.now < 365*24*time.Hour {
				y.step()
			}
			if rotations := y.store.version; rotations < 50 {
				t.Errorf("the year saw %d changes of the key set, too few to mean anything", rotations)
			}
			if left := len(y.store.rows); left > 40 {
				t.Errorf("%d keys are left: past keys are not removed", left)
			}
		})
	}
}

func (y *year) step() {
	d := time.Minute + time.Duration(y.rand.Int64N(int64(30*time.Minute)))
	y.now += d
	y.copies = slices.DeleteFunc(y.copies, func(c copied) bool { return c.ends <= y.now })
	for _, r := range y.replicas {
		r.clock.advance(d)
	}
	for _, r := range y.replicas {
		if r.stopped > y.now {
			continue
		}
		y.misfortune(r)
		if r.stopped > y.now {
			continue
		}
		// The order of events after a pause is random.
		does := []func(*replica){y.sign, y.fetch, func(r *replica) { _ = r.rotator.runOnce(y.t.Context()) }}
		for _, i := range y.rand.Perm(len(does)) {
			does[i](r)
		}
		y.never(len(y.store.inState(EdDSA, Current)) != 1, "the store holds not one current key")
	}
}

func (y *year) misfortune(r *replica) {
	switch y.rand.IntN(400) {
	case 0, 1, 2:
		r.stopped = y.now + time.Duration(y.rand.Int64N(int64(40*time.Hour)))
	case 3, 4, 5:
		r.link.down.Store(true)
	case 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20:
		r.link.down.Store(false)
	case 21:
		y.restart(r)
	case 22:
		r.clock.set(time.Duration(y.rand.Int64N(int64(800*24*time.Hour))) - 400*24*time.Hour)
	case 23, 24, 25, 26:
		r.clock.set(0)
	case 27, 28, 29:
		before := y.kids(r)
		if _, err := r.Rotate(y.t.Context(), ""); err == nil {
			y.never(!slices.ContainsFunc(y.kids(r), func(kid string) bool { return !slices.Contains(before, kid) }),
				"a rotation by command published no new key")
		}
	}
}

func (y *year) restart(r *replica) {
	r.link.down.Store(false)
	r.clock.set(time.Duration(y.rand.Int64N(int64(time.Minute))) - 30*time.Second)
	r.Manager = newManager(y.t, testConfig(y.t, r.link, r.clock, EdDSA), r.clock)
	if err := r.Start(y.t.Context()); err != nil {
		y.t.Fatalf("Start: %v", err)
	}
}

// sign requests a token. Every cached key set must contain its key.
func (y *year) sign(r *replica) {
	token, err := r.Sign(y.t.Context(), EdDSA, "", []byte("{}"))
	if err != nil {
		y.never(!r.link.down.Load(), "a replica with a store did not sign: "+err.Error())
		return
	}
	header, _, _ := strings.Cut(token, ".")
	_, kid, _, err := readHeader(header)
	y.never(err != nil, "a replica wrote a header that it cannot read")
	for _, c := range y.copies {
		y.never(kid != y.first && !slices.Contains(c.kids, kid), "signed by a key that a client with a good copy lacks")
	}
	y.lives[kid] = y.now + 24*time.Hour
}

// fetch reads the key set as a client. It must contain the keys of all unexpired tokens,
// unless the replica reports that its snapshot is stale.
func (y *year) fetch(r *replica) {
	kids := y.kids(r)
	_, _, maxAge := r.KeySet()
	if maxAge == 0 {
		y.never(!r.link.down.Load(), "a replica with a store serves an old key set")
		return
	}
	maps.DeleteFunc(y.lives, func(_ string, end time.Duration) bool { return end <= y.now })
	for kid, end := range y.lives {
		y.never(end > y.now && !slices.Contains(kids, kid), "the key of a living token is not published")
	}
	y.copies = append(y.copies, copied{kids: kids, ends: y.now + maxAge})
}

// kids returns the key IDs that the replica serves.
func (y *year) kids(r *replica) []string {
	w := httptest.NewRecorder()
	r.Handler().ServeHTTP(w, httptest.NewRequestWithContext(y.t.Context(), "GET", "/.well-known/jwks.json", nil))
	etag := w.Header().Get("ETag")
	if kids, ok := y.parsed[etag]; ok {
		return kids
	}
	var set jose.JSONWebKeySet
	if err := json.NewDecoder(bytes.NewReader(w.Body.Bytes())).Decode(&set); err != nil {
		y.t.Fatalf("decode the key set: %v", err)
	}
	var kids []string
	for _, k := range set.Keys {
		kids = append(kids, k.KeyID)
	}
	y.parsed[etag] = kids
	return kids
}

func (y *year) never(happened bool, what string) {
	y.t.Helper()
	if happened {
		y.t.Fatalf("after %v: %s", y.now, what)
	}
}
