package outbound

import (
	"errors"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
)

// settle waits for a fetch that goes on behind the answer that began it.
func (p *publisher) settle() {
	_, _, _ = p.operators.flight.Do(p.client.JWKSURI, func() (any, error) { return fetched{}, nil })
}

func TestKeysServeForHoursWhileTheyCannotBeFetched(t *testing.T) {
	t.Parallel()

	for name, fail := range map[string]func(*publisher){
		"the server answers 502":       func(p *publisher) { p.body = "" },
		"the server answers no keys":   func(p *publisher) { p.body = "<html>maintenance</html>" },
		"there is no room for fetches": func(p *publisher) { p.fillRoom() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			p := newPublisher(t)
			p.publish(t, "a")
			p.want(t, "a", "a", 1)
			p.mu.Lock()
			fail(p)
			p.mu.Unlock()
			for _, pause := range []time.Duration{fresh, sulk, time.Hour, 4 * time.Hour} {
				p.pass(pause)
				if keys, err := p.Keys(t.Context(), p.client, "a"); err != nil || len(keys) != 1 {
					t.Fatalf("another %s on: %v, %v; want the key of the last copy", pause, keys, err)
				}
				p.settle()
			}
			p.pass(stale)
			if keys, err := p.Keys(t.Context(), p.client, "a"); err == nil {
				t.Errorf("after %s: %v, want no keys", stale, keys)
			}
		})
	}
}

func (p *publisher) fillRoom() {
	for range maxFetches {
		p.operators.fetch.room.all <- struct{}{}
	}
}

func TestWithdrawnKeysDoNotServe(t *testing.T) {
	t.Parallel()

	for name, body := range map[string]string{
		"an empty set":     `{"keys":[]}`,
		"a set of secrets": `{"keys":[{"kty":"oct","k":"AAAA","kid":"a"}]}`,
		"gone":             gone,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			p := newPublisher(t)
			p.publish(t, "a")
			p.want(t, "a", "a", 1)
			p.mu.Lock()
			p.body = body
			p.mu.Unlock()
			p.pass(fresh)
			p.want(t, "a", "", 2)
		})
	}
}

// A client whose server hangs waits for it once. After that the last copy answers at
// once, while the server is asked again behind it.
func TestAStaleCopyIsNotWaitedFor(t *testing.T) {
	t.Parallel()

	p := newPublisher(t)
	p.publish(t, "a")
	p.want(t, "a", "a", 1)
	p.publish(t)
	p.pass(fresh)
	p.want(t, "a", "a", 2)
	if p.StaleUses() != 1 {
		t.Errorf("%d stale uses, want 1", p.StaleUses())
	}
	p.pass(sulk)
	hang := make(chan struct{})
	p.mu.Lock()
	p.hang = hang
	p.mu.Unlock()
	if keys, err := p.Keys(t.Context(), p.client, "a"); err != nil || len(keys) != 1 {
		t.Errorf("while the server hangs: %v, %v; want the stale key", keys, err)
	}
	p.publish(t, "b")
	close(hang)
	p.settle()
	p.want(t, "b", "b", 3)
}

func TestSelfRegisteredClientsLeaveTheOperatorsRoomAlone(t *testing.T) {
	t.Parallel()

	p := newPublisher(t)
	p.publish(t, "a")
	var leave []func()
	for i := range maxFetches / maxPerHost {
		leave = append(leave, take(t, p.registered.fetch.room, strconv.Itoa(i)+".example", maxPerHost))
	}
	for i := range maxCache {
		p.registered.sets[strconv.Itoa(i)] = fetched{}
	}
	selfMade := *p.client
	selfMade.Dynamic = true
	if _, err := p.Keys(t.Context(), &selfMade, "a"); !errors.Is(err, client.ErrBusy) {
		t.Errorf("a self-registered client while all of theirs hang: %v, want that there is no room", err)
	}
	p.want(t, "a", "a", 1)
	for _, leave := range leave {
		leave()
	}
	if keys, err := p.Keys(t.Context(), &selfMade, "a"); err != nil || len(keys) != 1 {
		t.Errorf("once there is room: %v, %v", keys, err)
	}
}

// gone as a body makes the publisher answer 410.
const gone = "410"

func (p *publisher) answer(w http.ResponseWriter) {
	p.mu.Lock()
	hang := p.hang
	p.mu.Unlock()
	if hang != nil {
		<-hang
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch p.body {
	case "":
		w.WriteHeader(http.StatusBadGateway)
	case gone:
		w.WriteHeader(http.StatusGone)
	default:
		_, _ = w.Write([]byte(p.body))
	}
}
