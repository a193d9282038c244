package admission_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ostiary/ostiary/internal/admission"
	"github.com/ostiary/ostiary/internal/network"
	"github.com/ostiary/ostiary/internal/unavailable"
)

// fixture is a queue with the requests that it admitted and rejected.
type fixture struct {
	*admission.Queue
	t        *testing.T
	ctx      context.Context //nolint:containedctx // the context of the synctest bubble
	rejected chan string
	admitted chan request
}

// request is an admitted request.
type request struct {
	name string
	slot admission.Slot
}

// fair returns a fair queue with one slot.
func fair(t *testing.T, queue int, wait time.Duration) *fixture {
	t.Helper()
	const many = 10_000
	return &fixture{
		Queue: admission.NewFair(1, queue, wait, time.Now),
		t:     t, ctx: t.Context(), rejected: make(chan string, many), admitted: make(chan request, many),
	}
}

// arrive starts a request from an address, and returns when it is admitted or waits.
func (f *fixture) arrive(name, address string) {
	f.t.Helper()
	from := network.Of(netip.MustParseAddr(address))
	go func() {
		slot, err := f.AcquireFrom(f.ctx, from)
		if err != nil {
			f.rejected <- name
			return
		}
		f.admitted <- request{name, slot}
	}()
	synctest.Wait()
}

// acquire starts a request and returns it when it is admitted.
func (f *fixture) acquire() request {
	f.t.Helper()
	f.arrive("admitted", "192.0.2.1")
	return <-f.admitted
}

// serve ends the admitted request until none is left, and returns the names in order.
func (f *fixture) serve() string {
	var names []string
	for {
		synctest.Wait()
		select {
		case r := <-f.admitted:
			names = append(names, r.name)
			r.slot.Release()
		default:
			return strings.Join(names, " ")
		}
	}
}

func TestQueueLimitsRunningAndWaitingRequests(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		f := fair(t, 2, time.Second)
		for _, name := range []string{"first", "second", "third"} {
			f.arrive(name, "192.0.2.1")
		}
		if len(f.admitted) != 1 || len(f.rejected) != 0 {
			t.Fatalf("%d admitted and %d rejected, want one of three, and two that wait", len(f.admitted), len(f.rejected))
		}
		f.arrive("fourth", "192.0.2.1")
		if len(f.rejected) != 1 || <-f.rejected != "second" {
			t.Error("a full queue did not reject the oldest request")
		}

		time.Sleep(time.Second + 20*time.Millisecond)
		synctest.Wait()
		if len(f.rejected) != 2 {
			t.Errorf("after the wait %d were rejected, want both", len(f.rejected))
		}
		if got := f.serve(); got != "first" {
			t.Errorf("admitted %q, want the first", got)
		}
		f.arrive("fifth", "192.0.2.1")
		if got := f.serve(); got != "fifth" {
			t.Errorf("with a free slot, admitted %q, want the fifth", got)
		}
	})
}

func TestNoQueueRejectsAtOnce(t *testing.T) {
	t.Parallel()

	for name, q := range map[string]struct {
		queue int
		wait  time.Duration
	}{
		"no queue": {0, time.Second},
		"no wait":  {10, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := fair(t, q.queue, q.wait)
				f.arrive("first", "192.0.2.1")
				f.arrive("second", "192.0.2.1")
				if len(f.rejected) != 1 {
					t.Errorf("%d rejected at once, want one", len(f.rejected))
				}
			})
		})
	}
}

func TestRequestsAreServedInOrder(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		f := fair(t, 100, time.Second)
		for i := range 6 {
			f.arrive(strconv.Itoa(i), "192.0.2.1")
			time.Sleep(8 * time.Millisecond)
		}
		if got := f.serve(); got != "0 1 2 3 4 5" {
			t.Errorf("served in the order %s", got)
		}
	})
}

// A wait that is short compared to the work is no overload.
func TestSlowWorkIsServedInOrder(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		f := fair(t, 100, time.Second)
		for range 50 {
			inside := f.acquire()
			time.Sleep(100 * time.Millisecond)
			inside.slot.Release()
		}
		for i := range 4 {
			f.arrive(strconv.Itoa(i), "192.0.2.1")
			time.Sleep(80 * time.Millisecond)
		}
		if got := f.serve(); got != "0 1 2 3" {
			t.Errorf("served in the order %s", got)
		}
	})
}

// Under overload the newest requests are served while their clients still wait, instead of
// every request when its client has given up.
func TestOverloadServesNewestFirst(t *testing.T) {
	t.Parallel()

	for name, crowd := range map[string]struct {
		queue int
		apart time.Duration
	}{
		"it has waited long": {100, 25 * time.Millisecond},
		"it is large":        {6, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := fair(t, crowd.queue, time.Second)
				first := f.acquire()
				for i := range 5 {
					f.arrive(strconv.Itoa(i), "192.0.2.1")
					time.Sleep(crowd.apart)
				}
				first.slot.Release()
				synctest.Wait()
				if v := <-f.admitted; v.name != "4" {
					t.Errorf("served next is %s, want the newest", v.name)
				}
			})
		})
	}
}

func TestAFloodOfOneNetworkDelaysOnlyItself(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		f := fair(t, 40, time.Second)
		for i := range 50 { // of which ten are rejected
			f.arrive("flood", fmt.Sprintf("192.0.2.%d", i))
		}
		f.arrive("a", "198.51.100.1")
		f.arrive("b", "203.0.113.1")
		f.arrive("b", "203.0.113.1")
		for i := range 30 {
			f.arrive("flood", fmt.Sprintf("192.0.2.%d", i))
		}
		got := f.serve()
		if want := "flood b a flood b flood"; !strings.HasPrefix(got, want) {
			t.Errorf("served in the order %.40s..., want %s...", got, want)
		}
		if strings.Count(got, "a")+strings.Count(got, "b") != 3 {
			t.Errorf("not all other requests were served: %s", got)
		}
	})
}

// A /48 has 65,536 networks of size /64, and alternates as one network.
func TestAFloodOfASiteDelaysOnlyItself(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		f := fair(t, 60, time.Second)
		f.arrive("first", "203.0.113.1")
		for i := range 40 {
			f.arrive("flood", fmt.Sprintf("2001:db8:0:%x::1", i*257))
		}
		f.arrive("a", "2001:db8:1::1")
		f.arrive("b", "2001:db8:2::1")
		f.arrive("b", "2001:db8:2:100::1")
		for i := range 10 {
			f.arrive("flood", fmt.Sprintf("2001:db8:0:%x::1", 0x8000+i))
		}
		if got, want := f.serve(), "first b a flood b flood"; !strings.HasPrefix(got, want) {
			t.Errorf("served in the order %.40s..., want %s...", got, want)
		}
	})
}

// A burst waits for the full time. During permanent overload requests are rejected sooner.
func TestPermanentOverloadShortensTheWait(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		f := fair(t, 1000, time.Second)
		f.arrive("first", "192.0.2.1")
		f.arrive("burst", "192.0.2.1")
		time.Sleep(990 * time.Millisecond)
		synctest.Wait()
		if len(f.rejected) != 0 {
			t.Fatal("a request of a burst was rejected")
		}
		f.arrive("late", "192.0.2.1")
		time.Sleep(120 * time.Millisecond) // twice 50 ms, and a tick
		synctest.Wait()
		if len(f.rejected) != 2 {
			t.Errorf("%d were rejected, want the one of the burst and the later one", len(f.rejected))
		}
		f.serve()

		f.arrive("first", "192.0.2.1")
		f.arrive("burst", "192.0.2.1")
		time.Sleep(900 * time.Millisecond)
		synctest.Wait()
		if len(f.rejected) != 2 {
			t.Error("a request of the next burst was rejected")
		}
	})
}

// Rejected clients retry. Without a limit the server would only reject.
func TestRejectionsPerTickAreLimited(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		perTick := 20 * runtime.GOMAXPROCS(0)
		f := fair(t, 10_000, time.Second)
		for range 10 * perTick {
			f.arrive("", "192.0.2.1")
		}
		time.Sleep(time.Second - 5*time.Millisecond)
		for ticks := range 12 {
			synctest.Wait()
			if got, most := len(f.rejected), ticks*perTick; got > most {
				t.Fatalf("after %d ticks %d were rejected, want at most %d", ticks, got, most)
			}
			time.Sleep(10 * time.Millisecond)
		}
		if got, want := len(f.rejected), 10*perTick-1; got != want {
			t.Errorf("%d were rejected in total, want %d", got, want)
		}
	})
}

func TestACancelledRequestReleasesItsSlot(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		f := fair(t, 1, time.Minute)
		for range 100 {
			f.cancelOne()
		}
		if got := f.serve(); got != "" {
			t.Errorf("admitted %q, want none", got)
		}
		f.arrive("next", "192.0.2.1")
		if got := f.serve(); got != "next" {
			t.Error("a slot was lost")
		}
	})
}

// cancelOne starts a request that waits, and cancels it when it gets a slot.
func (f *fixture) cancelOne() {
	f.t.Helper()
	ctx, cancel := context.WithCancelCause(f.ctx)
	disconnected := errors.New("client disconnected")
	running := f.acquire()
	result := make(chan error)
	go func() {
		slot, err := f.Acquire(ctx)
		if err == nil {
			slot.Release()
		}
		result <- err
	}()
	synctest.Wait()
	cancel(disconnected)
	running.slot.Release() // which passes the slot to the cancelled request
	if err := <-result; err != nil && !errors.Is(err, disconnected) {
		f.t.Fatalf("Acquire = %v, want a slot, or the cause of the context", err)
	}
	synctest.Wait()
}

// A queue without fairness serves in order and rejects new requests when it is full.
func TestAFullQueueRejectsNewRequests(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		const slots, queue, wait = 2, 20, 2 * time.Second
		q := admission.New(slots, queue, wait)
		var running []admission.Slot
		for range slots {
			slot, err := q.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			running = append(running, slot)
		}
		start, results := time.Now(), make(chan error)
		for range queue {
			go func() {
				_, err := q.Acquire(t.Context())
				results <- err
			}()
		}
		synctest.Wait()
		if _, err := q.Acquire(t.Context()); !errors.Is(err, admission.ErrBusy) || !unavailable.Is(err) || time.Since(start) != 0 {
			t.Errorf("a request to a full queue: %v after %s, want an immediate rejection", err, time.Since(start))
		}
		running[0].Release()
		if err := <-results; err != nil {
			t.Errorf("a slot was released, and the first waiting request got: %v", err)
		}
		for range queue - 1 {
			if err := <-results; !errors.Is(err, admission.ErrBusy) || time.Since(start) != wait {
				t.Fatalf("a request without a slot: %v after %s, want ErrBusy after %s", err, time.Since(start), wait)
			}
		}
		if n := q.Waiting(); n != 0 {
			t.Errorf("%d requests count as waiting, want none", n)
		}
	})
}
