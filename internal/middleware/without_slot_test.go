package middleware_test

import (
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ostiary/ostiary/internal/admission"
	"github.com/ostiary/ostiary/internal/middleware"
)

// oneSlot returns the admission of one request, with a queue.
func oneSlot() *middleware.Admission {
	return middleware.NewAdmission(middleware.AdmissionRule{Slots: 1, Queue: 10, Wait: time.Second}, time.Now, slog.New(slog.DiscardHandler))
}

// acquire starts to wait for a slot, and returns when it is admitted or waits.
func acquire(t *testing.T, a *middleware.Admission) <-chan admission.Slot {
	t.Helper()
	admitted := make(chan admission.Slot, 1)
	go func() {
		if slot, err := a.Acquire(t.Context()); err == nil {
			admitted <- slot
		}
	}()
	synctest.Wait()
	return admitted
}

// A request that waits for another server holds no slot, and gets the next one afterwards.
func TestWithoutSlotReleasesAndResumes(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		a := oneSlot()
		answered, done := make(chan struct{}), make(chan struct{}, 1)
		h := a.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			middleware.WithoutSlot(r.Context(), func() { <-answered })
			done <- struct{}{}
			w.WriteHeader(http.StatusOK)
			middleware.WithoutSlot(r.Context(), func() {}) // has no slot to release
		}))
		go from(h, "192.0.2.1:1")
		synctest.Wait()

		running := <-acquire(t, a)
		waiting := acquire(t, a)
		close(answered)
		synctest.Wait()
		if len(done) != 0 {
			t.Fatal("two requests run with one slot")
		}
		running.Release()
		synctest.Wait()
		if len(done) != 1 {
			t.Error("the resumed request did not get the next slot")
		}
		(<-waiting).Release()
		if len(acquire(t, a)) != 1 {
			t.Error("a slot was lost")
		}
	})
}

func TestARequestMayEndWithoutItsSlot(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		a := oneSlot()
		answered := make(chan struct{})
		h := middleware.Timeout(time.Minute)(a.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			middleware.WithoutSlot(r.Context(), func() { <-answered })
			if r.Context().Err() == nil {
				t.Error("the request runs without a slot")
			}
		})))
		go from(h, "192.0.2.1:1")
		synctest.Wait()
		running := <-acquire(t, a)
		close(answered)
		time.Sleep(time.Minute)
		synctest.Wait()
		running.Release()
		next := acquire(t, a)
		if len(next) != 1 || len(acquire(t, a)) != 0 {
			t.Fatal("a slot was lost, or there is one too many")
		}
		time.Sleep(time.Minute) // until the last request stops waiting
	})
}
