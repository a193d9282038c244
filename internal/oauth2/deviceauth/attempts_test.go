package deviceauth_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func TestWrongUserCodesAreLimited(t *testing.T) {
	t.Parallel()
	s := servertest.StartWithDeviceClients(t, storetest.New(t), nil)
	d := servertest.AuthorizeDevice(s, servertest.DeviceClientForm())
	b := s.NewBrowser()
	for i := range 60 {
		if p := b.Post("/device", servertest.Form("user_code", "BBBB-BBBB")); p.Status != http.StatusBadRequest {
			t.Fatalf("wrong code %d: %d", i, p.Status)
		}
	}
	p := b.EnterUserCode(d, "continue")
	if p.Status != http.StatusTooManyRequests || p.Header.Get("Retry-After") == "" || !strings.Contains(p.Body, "Try again in") {
		t.Errorf("the right code after 60 wrong ones: %d", p.Status)
	}
	s.Advance(time.Hour)
	d = servertest.AuthorizeDevice(s, servertest.DeviceClientForm())
	if p := b.EnterUserCode(d, "continue"); p.Status != http.StatusSeeOther {
		t.Errorf("an hour later: %d", p.Status)
	}
}

// A caller with all networks of a site is bounded as the site is, and others are not.
func TestWrongUserCodesAreCountedPerNetwork(t *testing.T) {
	t.Parallel()
	s := servertest.StartWithDeviceClients(t, storetest.New(t), map[string]string{"trusted_proxies": "127.0.0.0/8"})
	enter := func(from, code string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/device?user_code="+code, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Forwarded-For", from)
		return servertest.Send(t, http.DefaultClient, r).Status
	}
	for i := range 240 { // four times the limit of one network of the site
		if got := enter(fmt.Sprintf("2001:db8:0:%x::1", i<<8), "BBBB-BBBB"); got != http.StatusBadRequest {
			t.Fatalf("wrong code %d: %d", i, got)
		}
	}
	code := servertest.AuthorizeDevice(s, servertest.DeviceClientForm()).UserCode
	if got := enter("2001:db8:0:ffff::1", code); got != http.StatusTooManyRequests {
		t.Errorf("from the same site: %d", got)
	}
	for _, from := range []string{"2001:db8:1::1", "192.0.2.1"} {
		if got := enter(from, code); got != http.StatusOK {
			t.Errorf("from %s: %d", from, got)
		}
	}
}

// Cross-site requests are not counted as attempts.
func TestCrossSiteRequestsDoNotCountAsUserCodeAttempts(t *testing.T) {
	t.Parallel()
	for _, settings := range []map[string]string{nil, {"device_url": "https://apps.example/device"}} {
		s := servertest.StartWithDeviceClients(t, storetest.New(t), settings)
		b := s.NewBrowser()
		for _, dest := range []string{"image", "iframe", "empty"} {
			for range 61 {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/device?user_code=BBBB-BBBB", nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Sec-Fetch-Dest", dest)
				if p := servertest.Send(t, b.Client, r); p.Status != http.StatusForbidden {
					t.Fatalf("for an %s: %d", dest, p.Status)
				}
			}
		}
		d := servertest.AuthorizeDevice(s, servertest.DeviceClientForm())
		if p := b.Get(d.VerificationURI); p.Status != http.StatusOK && p.Status != http.StatusSeeOther {
			t.Errorf("afterwards, with %v: %d", settings, p.Status)
		}
	}
}
