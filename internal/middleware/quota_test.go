package middleware_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/middleware"
)

// quotaFixture is a quota with a clock.
type quotaFixture struct {
	*middleware.Quota
	clock *fakeClock
}

func newQuota(rule middleware.QuotaRule) *quotaFixture {
	clock := &fakeClock{at: time.Unix(1_800_000_000, 0)}
	return &quotaFixture{middleware.NewQuota(rule, clock.now), clock}
}

// reserve reserves bytes for a client, for a duration.
func (k *quotaFixture) reserve(t *testing.T, from string, bytes int, lasts time.Duration) (release func(), err error) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.RemoteAddr = from + ":1"
	middleware.ClientAddress(nil)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		release, err = k.Reserve(r.Context(), bytes, k.clock.now().Add(lasts))
	})).ServeHTTP(httptest.NewRecorder(), r)
	return release, err
}

func TestQuotaOfANetwork(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		from func(i int) string
		want int
	}{
		"one IPv4 address": {func(int) string { return "192.0.2.1" }, 10},
		"a /24":            {func(i int) string { return fmt.Sprintf("192.0.2.%d", i) }, 20},
		"a /64":            {func(i int) string { return fmt.Sprintf("[2001:db8::%x]", i) }, 10},
		"a /56":            {func(i int) string { return fmt.Sprintf("[2001:db8:0:%x::1]", i) }, 20},
		"a /48":            {func(i int) string { return fmt.Sprintf("[2001:db8:0:%x::1]", i<<8) }, 40},
		"many networks":    {func(i int) string { return fmt.Sprintf("10.%d.0.1", i) }, 60},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			k := newQuota(middleware.QuotaRule{Total: 6000, PerNetwork: 1000})
			reserved := 0
			var full *middleware.QuotaError
			for i := range 100 {
				switch _, err := k.reserve(t, tc.from(i), 100, time.Duration(30+i)*time.Minute); {
				case err == nil:
					reserved++
				case !errors.As(err, &full), full.Network != (tc.want < 60), full.RetryAfter < time.Second:
					t.Fatalf("item %d: %v", i, err)
				}
			}
			if reserved != tc.want || k.Bytes() != 100*tc.want || k.RefusedByNetwork()+k.RefusedInTotal() != uint64(100-tc.want) {
				t.Errorf("%d reserved, %d bytes, %d refusals; want %d reserved", reserved, k.Bytes(), k.RefusedByNetwork()+k.RefusedInTotal(), tc.want)
			}
			k.clock.pass(30 * time.Minute) // of the first
			if _, err := k.reserve(t, tc.from(0), 100, time.Minute); err != nil {
				t.Errorf("after one has expired: %v", err)
			}
			k.clock.pass(3 * time.Hour)
			if k.Bytes() != 0 {
				t.Errorf("%d bytes are reserved after all have expired", k.Bytes())
			}
		})
	}
}

func TestAReservationCanBeReleased(t *testing.T) {
	t.Parallel()

	k := newQuota(middleware.QuotaRule{Total: 1000, PerNetwork: 100})
	release, err := k.reserve(t, "192.0.2.1", 100, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	release()
	if k.Bytes() != 0 {
		t.Errorf("%d bytes are reserved, want none", k.Bytes())
	}
	if _, err := k.reserve(t, "192.0.2.1", 100, time.Hour); err != nil {
		t.Error(err)
	}
	k.clock.pass(time.Hour)
	if k.Bytes() != 0 {
		t.Errorf("%d bytes are reserved, want none", k.Bytes())
	}
}

func TestAQuotaCanBeUnlimited(t *testing.T) {
	t.Parallel()

	k := newQuota(middleware.QuotaRule{})
	if _, err := k.reserve(t, "192.0.2.1", 1<<30, time.Hour); err != nil {
		t.Error(err)
	}
}
