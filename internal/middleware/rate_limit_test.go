package middleware_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
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

func TestRateLimit(t *testing.T) {
	t.Parallel()

	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	var refusals atomic.Uint64
	rule := middleware.RateLimitRule{Count: 10, Per: time.Hour, Refusals: &refusals}
	h := middleware.RateLimit(rule, func() time.Time { return now })(http.HandlerFunc(ok))

	for i := range 10 {
		if w := from(h, fmt.Sprintf("192.0.2.1:%d", i+1)); w.Code != http.StatusOK {
			t.Fatalf("request %d: %d", i+1, w.Code)
		}
	}
	w := from(h, "192.0.2.1:99")
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "360" {
		t.Errorf("request 11 of the address: %d, Retry-After %q, want 429 and 360", w.Code, w.Header().Get("Retry-After"))
	}
	if w := from(h, "192.0.2.2:1"); w.Code != http.StatusOK {
		t.Errorf("another address: %d", w.Code)
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
	if n := refusals.Load(); n != 3 {
		t.Errorf("%d refusals counted, want 3", n)
	}
}

// A caller who changes the address within a network is bounded by the wider one, at
// each level.
func TestRateLimitsAreNested(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		address func(i int) string
		want    int
		other   string // an address outside the widest network
	}{
		"one IPv4 address":           {func(int) string { return "192.0.2.1" }, 10, "198.51.100.1"},
		"a /24":                      {func(i int) string { return fmt.Sprintf("192.0.2.%d", i%250) }, 40, "192.0.3.1"},
		"a /64":                      {func(i int) string { return fmt.Sprintf("[2001:db8::%x]", i) }, 10, "[2001:db8:1::1]"},
		"a /56 with its /64s":        {func(i int) string { return fmt.Sprintf("[2001:db8:0:%x::1]", i%256) }, 40, "[2001:db8:1::1]"},
		"a /48 with its /56s":        {func(i int) string { return fmt.Sprintf("[2001:db8:0:%x::1]", i%256<<8) }, 160, "[2001:db8:1::1]"},
		"a /48 with all of its /64s": {func(i int) string { return fmt.Sprintf("[2001:db8:0:%x::1]", i*257%65536) }, 160, "[2001:db8:1::1]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			now := func() time.Time { return time.Unix(0, 0) }
			h := middleware.RateLimit(middleware.RateLimitRule{Count: 10, Per: time.Hour}, now)(http.HandlerFunc(ok))
			served := 0
			for i := range 400 {
				if from(h, tc.address(i)+":1").Code == http.StatusOK {
					served++
				}
			}
			if served != tc.want {
				t.Errorf("%d requests served, want %d", served, tc.want)
			}
			if w := from(h, tc.other+":1"); w.Code != http.StatusOK {
				t.Errorf("from %s: %d, want 200", tc.other, w.Code)
			}
		})
	}
}

func TestRateLimitCanBeOff(t *testing.T) {
	t.Parallel()

	h := middleware.RateLimit(middleware.RateLimitRule{}, time.Now)(http.HandlerFunc(ok))
	for range 100 {
		if w := from(h, "192.0.2.1:1"); w.Code != http.StatusOK {
			t.Fatalf("status %d", w.Code)
		}
	}
}

func TestAFloodOfAddressesKeepsOtherCounts(t *testing.T) {
	t.Parallel()

	now := func() time.Time { return time.Unix(0, 0) }
	h := middleware.RateLimit(middleware.RateLimitRule{Count: 1, Per: time.Hour}, now)(http.HandlerFunc(ok))
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

func BenchmarkLimit(b *testing.B) {
	h := middleware.ClientAddress(nil)(middleware.RateLimit(middleware.RateLimitRule{Count: 1 << 30, Per: time.Hour}, time.Now)(
		http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	for name, address := range map[string]string{"IPv4": "192.0.2.1:1", "IPv6": "[2001:db8::1]:1"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil)
			r.RemoteAddr = address
			for b.Loop() {
				h.ServeHTTP(w, r)
			}
		})
	}
}
