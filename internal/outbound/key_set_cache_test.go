package outbound

import (
	"errors"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
)

// settle waits for a fetch in the background.
func (p *publisher) settle() {
	_, _, _ = p.operators.flight.Do(p.client.JWKSURI, func() (any, error) { return fetched{}, nil })
}

func TestStaleKeysAreUsedForHoursWhileFetchesFail(t *testing.T) {
	t.Parallel()

	for name, fail := range map[string]func(*publisher){
		"the server answers 502":     func(p *publisher) { p.body = "" },
		"the server answers no keys": func(p *publisher) { p.body = "<html>maintenance</html>" },
		"no slot is free":            func(p *publisher) { takeAll(t, p.operators.fetch.limit) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			p := newPublisher(t)
			p.publish(t, "a")
			p.want(t, "a", "a", 1)
			p.mu.Lock()
			fail(p)
			p.mu.Unlock()
			for _, pause := range []time.Duration{freshTTL, errorTTL, time.Hour, 4 * time.Hour} {
				p.pass(pause)
				if keys, err := p.Keys(t.Context(), p.client, "a"); err != nil || len(keys) != 1 {
					t.Fatalf("another %s on: %v, %v; want the key of the last copy", pause, keys, err)
				}
				p.settle()
			}
			p.pass(staleTTL)
			if keys, err := p.Keys(t.Context(), p.client, "a"); err == nil {
				t.Errorf("after %s: %v, want no keys", staleTTL, keys)
			}
		})
	}
}

func TestWithdrawnKeysAreNotUsed(t *testing.T) {
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
			p.pass(freshTTL)
			p.want(t, "a", "", 2)
		})
	}
}

// A server that hangs delays one request. Later requests use the last copy while the keys
// are fetched in the background.
func TestAStaleCopyIsUsedWithoutWaiting(t *testing.T) {
	t.Parallel()

	p := newPublisher(t)
	p.publish(t, "a")
	p.want(t, "a", "a", 1)
	p.publish(t)
	p.pass(freshTTL)
	p.want(t, "a", "a", 2)
	if p.StaleUses() != 1 {
		t.Errorf("%d stale uses, want 1", p.StaleUses())
	}
	p.pass(errorTTL)
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

func TestSelfRegisteredClientsHaveASeparateLimit(t *testing.T) {
	t.Parallel()

	p := newPublisher(t)
	p.publish(t, "a")
	var taken []func()
	for i := range maxFetches / maxPerHost {
		taken = append(taken, take(t, p.registered.fetch.limit, strconv.Itoa(i)+".example", maxPerHost))
	}
	for i := range maxKeySets {
		p.registered.sets.Put(strconv.Itoa(i), fetched{})
	}
	selfRegistered := *p.client
	selfRegistered.Dynamic = true
	if _, err := p.Keys(t.Context(), &selfRegistered, "a"); !errors.Is(err, client.ErrBusy) {
		t.Errorf("a self-registered client while all their slots are taken: %v, want ErrBusy", err)
	}
	p.want(t, "a", "a", 1)
	for _, release := range taken {
		release()
	}
	if keys, err := p.Keys(t.Context(), &selfRegistered, "a"); err != nil || len(keys) != 1 {
		t.Errorf("with free slots: %v, %v", keys, err)
	}
}

// gone as a body makes the publisher respond with 410.
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
