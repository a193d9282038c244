package middleware_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ostiary/ostiary/internal/middleware"
)

// Who waits for somebody else's server takes no slot from those who do not, and has the
// next one afterwards.
func TestWhoWaitsForOthersStepsAside(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, middleware.AdmissionRule{Slots: 1, Queue: 10, Wait: time.Second})
		answered, done := make(chan struct{}), make(chan string, 1)
		h := d.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			middleware.Aside(r.Context(), func() { <-answered })
			done <- "back"
			w.WriteHeader(http.StatusOK)
			middleware.Aside(r.Context(), func() {}) // with nothing to give up any more
		}))
		go from(h, "192.0.2.1:1")
		synctest.Wait()

		inside := <-enter(d)
		d.comes("waits", "192.0.2.1")
		close(answered)
		synctest.Wait()
		if len(done) != 0 {
			t.Fatal("two are inside where there is one slot")
		}
		inside.leave()
		synctest.Wait()
		if len(done) != 1 {
			t.Error("who came back is not the next")
		}
		if got := d.serves(); got != "waits" {
			t.Errorf("afterwards inside is %q", got)
		}
		d.comes("next", "192.0.2.1")
		if got := d.serves(); got != "next" {
			t.Error("a slot was lost")
		}
	})
}

func TestWhoStepsAsideMayHangUp(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, middleware.AdmissionRule{Slots: 1, Queue: 10, Wait: time.Second})
		answered := make(chan struct{})
		h := middleware.Timeout(time.Minute)(d.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			middleware.Aside(r.Context(), func() { <-answered })
			if r.Context().Err() == nil {
				t.Error("inside, where there is no slot")
			}
		})))
		go from(h, "192.0.2.1:1")
		synctest.Wait()
		inside := <-enter(d)
		close(answered)
		time.Sleep(time.Minute)
		synctest.Wait()
		inside.leave()
		for range 2 {
			d.comes("next", "192.0.2.1")
			if got := d.serves(); got != "next" {
				t.Fatalf("afterwards inside is %q: a slot was lost, or there is one too many", got)
			}
		}
	})
}
