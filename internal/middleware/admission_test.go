package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ostiary/ostiary/internal/middleware"
)

// door is an admission and those who came to it.
type door struct {
	*middleware.Admission
	t       *testing.T
	ctx     context.Context //nolint:containedctx // the context of the synctest bubble
	refused chan string
	entered chan visitor
}

// visitor is somebody who was admitted.
type visitor struct {
	name  string
	leave func()
}

func newDoor(t *testing.T, rule middleware.AdmissionRule) *door {
	t.Helper()
	const many = 10_000
	return &door{
		Admission: middleware.NewAdmission(rule, time.Now, slog.New(slog.DiscardHandler)),
		t:         t, ctx: t.Context(), refused: make(chan string, many), entered: make(chan visitor, many),
	}
}

// comes lets somebody come from an address, and returns when they are in or wait.
func (d *door) comes(name, address string) {
	d.t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil).WithContext(d.ctx)
	r.RemoteAddr = address + ":1"
	middleware.ClientAddress(nil)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		go d.enters(r.Context(), name)
	})).ServeHTTP(httptest.NewRecorder(), r)
	synctest.Wait()
}

func (d *door) enters(ctx context.Context, name string) {
	leave, err := d.Enter(ctx)
	if err != nil {
		d.refused <- name
		return
	}
	d.entered <- visitor{name, leave}
}

// serves lets whoever is inside leave, again and again, and returns who was, in order.
func (d *door) serves() string {
	var names []string
	for {
		synctest.Wait()
		select {
		case v := <-d.entered:
			names = append(names, v.name)
			v.leave()
		default:
			return strings.Join(names, " ")
		}
	}
}

func TestAdmissionBoundsWhatRunsAndWaits(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, middleware.AdmissionRule{Slots: 1, Queue: 2, Wait: time.Second})
		for _, name := range []string{"first", "second", "third"} {
			d.comes(name, "192.0.2.1")
		}
		if len(d.entered) != 1 || len(d.refused) != 0 {
			t.Fatalf("%d inside and %d refused, of three to whom there is room for one inside and two outside", len(d.entered), len(d.refused))
		}
		d.comes("fourth", "192.0.2.1")
		if len(d.refused) != 1 || <-d.refused != "second" {
			t.Error("one too many waits, and it was not who had waited longest that was sent away")
		}

		time.Sleep(time.Second + 20*time.Millisecond)
		synctest.Wait()
		if len(d.refused) != 2 {
			t.Errorf("after the longest wait %d were sent away, want both", len(d.refused))
		}
		if got := d.serves(); got != "first" {
			t.Errorf("inside was %q", got)
		}
		d.comes("fifth", "192.0.2.1")
		if got := d.serves(); got != "fifth" {
			t.Errorf("with a slot free, inside is %q", got)
		}
	})
}

func TestNobodyWaitsWhereThatIsNotAllowed(t *testing.T) {
	t.Parallel()

	for name, rule := range map[string]middleware.AdmissionRule{
		"no queue": {Slots: 1, Wait: time.Second},
		"no time":  {Slots: 1, Queue: 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDoor(t, rule)
				d.comes("first", "192.0.2.1")
				d.comes("second", "192.0.2.1")
				if len(d.refused) != 1 {
					t.Errorf("%d refused at once, want one", len(d.refused))
				}
			})
		})
	}
}

func TestFirstComeIsFirstServed(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, middleware.AdmissionRule{Slots: 1, Queue: 100, Wait: time.Second})
		for i := range 6 {
			d.comes(strconv.Itoa(i), "192.0.2.1")
			time.Sleep(8 * time.Millisecond)
		}
		if got := d.serves(); got != "0 1 2 3 4 5" {
			t.Errorf("served in the order %s", got)
		}
	})
}

// Where the work itself takes long, to wait for a while is nothing unusual.
func TestFirstComeIsFirstServedBySlowWork(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, middleware.AdmissionRule{Slots: 1, Queue: 100, Wait: time.Second})
		for range 50 {
			inside := <-enter(d)
			time.Sleep(100 * time.Millisecond)
			inside.leave()
		}
		for i := range 4 {
			d.comes(strconv.Itoa(i), "192.0.2.1")
			time.Sleep(80 * time.Millisecond)
		}
		if got := d.serves(); got != "0 1 2 3" {
			t.Errorf("served in the order %s", got)
		}
	})
}

// In a crowd the newest are served while that is of use to them, rather than everybody
// when it no longer is.
func TestACrowdIsServedNewestFirst(t *testing.T) {
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
				d := newDoor(t, middleware.AdmissionRule{Slots: 1, Queue: crowd.queue, Wait: time.Second})
				first := <-enter(d)
				for i := range 5 {
					d.comes(strconv.Itoa(i), "192.0.2.1")
					time.Sleep(crowd.apart)
				}
				first.leave()
				synctest.Wait()
				if v := <-d.entered; v.name != "4" {
					t.Errorf("served next is %s, want the newest", v.name)
				}
			})
		})
	}
}

// enter lets somebody in who takes no time.
func enter(d *door) <-chan visitor {
	d.comes("somebody", "192.0.2.1")
	return d.entered
}

func TestAFloodFromOnePlaceKeepsOutItself(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, middleware.AdmissionRule{Slots: 1, Queue: 40, Wait: time.Second})
		for i := range 50 { // of whom ten were sent away
			d.comes("flood", fmt.Sprintf("192.0.2.%d", i))
		}
		d.comes("a", "198.51.100.1")
		d.comes("b", "203.0.113.1")
		d.comes("b", "203.0.113.1")
		for i := range 30 {
			d.comes("flood", fmt.Sprintf("192.0.2.%d", i))
		}
		got := d.serves()
		if want := "flood b a flood b flood"; !strings.HasPrefix(got, want) {
			t.Errorf("served in the order %.40s..., want %s...", got, want)
		}
		if strings.Count(got, "a")+strings.Count(got, "b") != 3 {
			t.Errorf("not everybody else was served: %s", got)
		}
	})
}

// The holder of a /48 has 65,536 networks of the size /64, but one turn.
func TestAFloodFromAllNetworksOfASiteKeepsOutItself(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, middleware.AdmissionRule{Slots: 1, Queue: 60, Wait: time.Second})
		d.comes("inside", "203.0.113.1")
		for i := range 40 {
			d.comes("flood", fmt.Sprintf("[2001:db8:0:%x::1]", i*257))
		}
		d.comes("a", "[2001:db8:1::1]")
		d.comes("b", "[2001:db8:2::1]")
		d.comes("b", "[2001:db8:2:100::1]")
		for i := range 10 {
			d.comes("flood", fmt.Sprintf("[2001:db8:0:%x::1]", 0x8000+i))
		}
		if got, want := d.serves(), "inside b a flood b flood"; !strings.HasPrefix(got, want) {
			t.Errorf("served in the order %.40s..., want %s...", got, want)
		}
	})
}

// A burst is waited out; who comes when there has been too much for long is told soon.
func TestWhereThereIsAlwaysTooMuchPatienceIsShort(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, middleware.AdmissionRule{Slots: 1, Queue: 1000, Wait: time.Second})
		d.comes("inside", "192.0.2.1")
		d.comes("burst", "192.0.2.1")
		time.Sleep(990 * time.Millisecond)
		synctest.Wait()
		if len(d.refused) != 0 {
			t.Fatal("a burst was not waited out")
		}
		d.comes("late", "192.0.2.1")
		time.Sleep(120 * time.Millisecond) // twice 50 ms, and a tick
		synctest.Wait()
		if len(d.refused) != 2 {
			t.Errorf("%d were sent away, want the one of the burst and who came when it had lasted", len(d.refused))
		}
		d.serves()

		d.comes("inside", "192.0.2.1")
		d.comes("burst", "192.0.2.1")
		time.Sleep(900 * time.Millisecond)
		synctest.Wait()
		if len(d.refused) != 2 {
			t.Error("the next burst was not waited out")
		}
	})
}

// Whoever is refused comes again. If all were refused at once there would be nothing
// but refusing.
func TestOnlySoManyAreRefusedAtATime(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		atATime := 20 * runtime.GOMAXPROCS(0)
		d := newDoor(t, middleware.AdmissionRule{Slots: 1, Queue: 10_000, Wait: time.Second})
		for range 10 * atATime {
			d.comes("", "192.0.2.1")
		}
		time.Sleep(time.Second - 5*time.Millisecond)
		for ticks := range 12 {
			synctest.Wait()
			if got, most := len(d.refused), ticks*atATime; got > most {
				t.Fatalf("after %d ticks %d were refused, want at most %d", ticks, got, most)
			}
			time.Sleep(10 * time.Millisecond)
		}
		if got, want := len(d.refused), 10*atATime-1; got != want {
			t.Errorf("%d were refused in the end, want %d", got, want)
		}
	})
}

func TestWhoHangsUpGivesTheirPlaceBack(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, middleware.AdmissionRule{Slots: 1, Queue: 1, Wait: time.Minute})
		for range 100 {
			d.hangsUp()
		}
		if got := d.serves(); got != "" {
			t.Errorf("inside is %q", got)
		}
		d.comes("next", "192.0.2.1")
		if got := d.serves(); got != "next" {
			t.Error("a slot was lost")
		}
	})
}

// hangsUp lets somebody come, wait, and hang up as it becomes their turn.
func (d *door) hangsUp() {
	d.t.Helper()
	ctx, hangUp := context.WithCancelCause(d.ctx)
	gone := errors.New("hung up")
	inside := <-enter(d)
	result := make(chan error)
	go func() {
		leave, err := d.Enter(ctx)
		if err == nil {
			leave()
		}
		result <- err
	}()
	synctest.Wait()
	hangUp(gone)
	inside.leave() // which hands on to who is about to give up
	if err := <-result; err != nil && !errors.Is(err, gone) {
		d.t.Fatalf("Enter = %v, want to be in, or the reason of the context", err)
	}
	synctest.Wait()
}
