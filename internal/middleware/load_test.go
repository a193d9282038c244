package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ostiary/ostiary/internal/middleware"
)

// from calls h from an address.
func from(h http.Handler, address string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/connect/register", nil)
	r.RemoteAddr = address
	w := httptest.NewRecorder()
	middleware.ClientAddress(nil)(h).ServeHTTP(w, r)
	return w
}

func TestLimit(t *testing.T) {
	t.Parallel()

	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	h := middleware.Limit(middleware.LimitRule{Count: 10, Per: time.Hour}, func() time.Time { return now })(http.HandlerFunc(ok))

	for i := range 10 {
		if w := from(h, fmt.Sprintf("192.0.2.%d:1", i)); w.Code != http.StatusOK {
			t.Fatalf("request %d: %d", i+1, w.Code)
		}
	}
	w := from(h, "192.0.2.200:1")
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "360" {
		t.Errorf("request 11 of the neighbourhood: %d, Retry-After %q, want 429 and 360", w.Code, w.Header().Get("Retry-After"))
	}
	if w := from(h, "198.51.100.1:1"); w.Code != http.StatusOK {
		t.Errorf("somebody else: %d", w.Code)
	}
	now = now.Add(359 * time.Second)
	if w := from(h, "192.0.2.1:1"); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "1" {
		t.Errorf("a second too early: %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	now = now.Add(time.Second)
	if w := from(h, "192.0.2.1:1"); w.Code != http.StatusOK {
		t.Errorf("after Retry-After: %d", w.Code)
	}
	if w := from(h, "192.0.2.1:1"); w.Code != http.StatusTooManyRequests {
		t.Errorf("one was earned, and a second given: %d", w.Code)
	}
}

func TestLimitCanBeOff(t *testing.T) {
	t.Parallel()

	h := middleware.Limit(middleware.LimitRule{}, time.Now)(http.HandlerFunc(ok))
	for range 100 {
		if w := from(h, "192.0.2.1:1"); w.Code != http.StatusOK {
			t.Fatalf("status %d", w.Code)
		}
	}
}

func TestAFloodOfAddressesForgetsNobodyAtOnce(t *testing.T) {
	t.Parallel()

	now := func() time.Time { return time.Unix(0, 0) }
	h := middleware.Limit(middleware.LimitRule{Count: 1, Per: time.Hour}, now)(http.HandlerFunc(ok))
	from(h, "192.0.2.1:1")
	for i := range 70_000 { // more than one generation holds
		from(h, fmt.Sprintf("%d.%d.%d.1:1", 20+i>>16, i>>8&255, i&255))
	}
	if w := from(h, "192.0.2.1:1"); w.Code != http.StatusTooManyRequests {
		t.Errorf("status %d, want the spent allowance remembered", w.Code)
	}
}

func TestAdmissionBoundsWhatRunsAndWaits(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		a := middleware.NewAdmission(1, 1, time.Second)
		leave, err := a.Enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}

		second := make(chan error, 1)
		go func() {
			leave, err := a.Enter(t.Context())
			if err == nil {
				leave()
			}
			second <- err
		}()
		synctest.Wait()
		if _, err := a.Enter(t.Context()); !errors.Is(err, middleware.ErrBusy) {
			t.Errorf("with one running and one waiting: %v, want busy at once", err)
		}
		leave()
		if err := <-second; err != nil {
			t.Errorf("the one that waited: %v", err)
		}

		leave, err = a.Enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := a.Enter(t.Context()); !errors.Is(err, middleware.ErrBusy) || time.Since(start) != time.Second {
			t.Errorf("after %s: %v, want busy after a second", time.Since(start), err)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := a.Enter(gone); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller who hung up: %v", err)
		}
		leave()
		if leave, err := a.Enter(gone); err == nil {
			leave()
		} else {
			t.Errorf("a free slot: %v", err)
		}
	})
}

func TestNoRoomIs503(t *testing.T) {
	t.Parallel()

	a := middleware.NewAdmission(1, 0, time.Second)
	h := a.Handler(nil)(http.HandlerFunc(ok))
	leave, err := a.Enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		w := from(h, "192.0.2.1:1")
		wait, err := strconv.Atoi(w.Header().Get("Retry-After"))
		if w.Code != http.StatusServiceUnavailable || err != nil || wait < 1 || wait > 5 {
			t.Fatalf("status %d, Retry-After %q, want 503 and 1 to 5", w.Code, w.Header().Get("Retry-After"))
		}
	}
	leave()
	for range 2 { // a slot that is not given back would be missed the second time
		if w := from(h, "192.0.2.1:1"); w.Code != http.StatusOK {
			t.Errorf("with room: %d", w.Code)
		}
	}
}

func TestTimeoutEndsTheContext(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		middleware.Timeout(10*time.Second)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
		})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("the context ended after %s", took)
		}
	})
}
