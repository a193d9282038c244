package middleware_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
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
