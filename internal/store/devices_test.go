package store_test

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/devicecode"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

func aDevice(clientID string) *devicecode.Device {
	return &devicecode.Device{
		Grant:    grant.Locator{Partition: grant.PartitionAt(noon, true), ID: grant.NewID(noon)},
		ClientID: clientID, UserCode: session.Hash(rand.Text()),
		Scopes: []string{"openid", "offline_access"}, Resources: []string{"https://api.example/"},
		Seed: []byte("0123456789abcdef0123456789abcdef"), Interval: 5 * time.Second,
		CreatedAt: noon, ExpiresAt: noon.Add(10 * time.Minute),
	}
}

func polling(d *devicecode.Device, now time.Time) grant.Poll {
	return grant.Poll{Ref: d.Grant, ClientID: d.ClientID, Slack: time.Second, Penalty: 5 * time.Second, Now: now}
}

// grantOf returns the grant of a device.
func grantOf(d *devicecode.Device, subject string) *grant.Grant {
	g := fixture.Grant(d.ClientID, subject)
	g.Locator, g.Kind, g.Seed, g.SessionID, g.CodeExpiresAt = d.Grant, grant.KindDevice, nil, "", time.Time{}
	return g
}

func TestDeviceWaitsForADecision(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		fixture.Seed(t, s)
		d := aDevice("rp")
		must(t, s.Devices.InsertDevice(ctx, d))
		same := aDevice("rp")
		same.UserCode = d.UserCode
		wantErr(t, "a user code that is taken", s.Devices.InsertDevice(ctx, same), grant.ErrExists)

		got, err := s.Devices.DeviceByCode(ctx, [][]byte{session.Hash("x"), d.UserCode}, noon)
		must(t, err)
		wantSame(t, "the device of a code", got, d)
		for name, try := range map[string]struct {
			code []byte
			now  time.Time
		}{"another code": {session.Hash("x"), noon}, "too late": {d.UserCode, d.ExpiresAt}} {
			_, err := s.Devices.DeviceByCode(ctx, [][]byte{try.code}, try.now)
			wantErr(t, name, err, devicecode.ErrNotFound)
		}

		otherClient := polling(d, noon)
		otherClient.ClientID = "other"
		_, err = s.Devices.PollDevice(ctx, otherClient)
		wantErr(t, "another client's poll", err, grant.ErrNotFound)
		_, err = s.Devices.PollDevice(ctx, polling(d, d.ExpiresAt))
		wantErr(t, "a poll after its end", err, devicecode.ErrExpired)
		_, err = s.Devices.PollDevice(ctx, polling(aDevice("rp"), noon))
		wantErr(t, "a poll long after its end", err, devicecode.ErrExpired)

		must(t, s.Devices.AllowDevice(ctx, grantOf(d, "alice"), noon))
		wantErr(t, "allowing it again", s.Devices.AllowDevice(ctx, grantOf(d, "bob"), noon), devicecode.ErrNotFound)
		must(t, s.Devices.DenyDevice(ctx, d.Grant, noon)) // too late
		polled, err := s.Devices.PollDevice(ctx, polling(d, noon))
		must(t, err)
		if !polled.Allowed || !polled.DeniedAt.IsZero() {
			t.Errorf("a device that was allowed is %+v", polled)
		}
		_, err = s.Devices.DeviceByCode(ctx, [][]byte{d.UserCode}, noon)
		wantErr(t, "the code of an answered device", err, devicecode.ErrNotFound)
		held, err := s.Grants.RedeemCode(ctx, grant.CodeRedemption{Ref: d.Grant, ClientID: "rp", Now: noon})
		must(t, err)
		if held.Subject != "alice" || held.Kind != grant.KindDevice || string(held.Seed) != string(d.Seed) || !held.CodeExpiresAt.Equal(d.ExpiresAt) {
			t.Errorf("the grant of a device is %+v", held)
		}
	})
}

func TestDeniedDeviceStaysDenied(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		fixture.Seed(t, s)
		d := aDevice("rp")
		must(t, s.Devices.InsertDevice(ctx, d))
		must(t, s.Devices.DenyDevice(ctx, d.Grant, noon))
		must(t, s.Devices.DenyDevice(ctx, d.Grant, noon.Add(time.Second)))
		polled, err := s.Devices.PollDevice(ctx, polling(d, noon))
		must(t, err)
		if polled.Allowed || !polled.DeniedAt.Equal(noon) {
			t.Errorf("a refused device is %+v", polled)
		}
		for name, g := range map[string]*grant.Grant{
			"allowing what was refused": grantOf(d, "alice"), "allowing what is not there": grantOf(aDevice("rp"), "alice"),
		} {
			wantErr(t, name, s.Devices.AllowDevice(ctx, g, noon), devicecode.ErrNotFound)
		}
		late := aDevice("rp")
		must(t, s.Devices.InsertDevice(ctx, late))
		wantErr(t, "allowing too late", s.Devices.AllowDevice(ctx, grantOf(late, "alice"), late.ExpiresAt), devicecode.ErrNotFound)
		other := grantOf(late, "alice")
		other.ClientID = "other"
		wantErr(t, "allowing another client's", s.Devices.AllowDevice(ctx, other, noon), devicecode.ErrNotFound)
		_, err = s.Devices.DeviceByCode(ctx, [][]byte{d.UserCode}, noon)
		wantErr(t, "the code of a refused device", err, devicecode.ErrNotFound)
	})
}

func TestEarlyPollIncreasesTheInterval(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		d := aDevice("rp")
		must(t, s.Devices.InsertDevice(t.Context(), d))
		at := noon
		for i, step := range []struct {
			after time.Duration
			early bool
			wait  time.Duration
		}{
			{0, false, 5 * time.Second},
			{4 * time.Second, false, 5 * time.Second},
			{4*time.Second - time.Microsecond, true, 10 * time.Second},
			{0, true, 15 * time.Second},
			{13 * time.Second, true, 20 * time.Second},
			{19 * time.Second, false, 20 * time.Second},
		} {
			at = at.Add(step.after)
			polled, err := s.Devices.PollDevice(t.Context(), polling(d, at))
			must(t, err)
			if polled.TooEarly != step.early || polled.Interval != step.wait || !polled.PolledAt.Equal(at) {
				t.Errorf("poll %d: early %v, wait %v; want %v, %v", i, polled.TooEarly, polled.Interval, step.early, step.wait)
			}
		}
	})
}

func TestOneOfConcurrentPollsIsInTime(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		a, b := storetest.Open(t, url), storetest.Open(t, url)
		fixture.Seed(t, a)
		d := aDevice("rp")
		must(t, a.Devices.InsertDevice(t.Context(), d))
		fixture.WantOneWinner(t, fixture.Race(t, a, b, func(ctx context.Context, s *store.Store) error {
			polled, err := s.Devices.PollDevice(ctx, polling(d, noon))
			if err == nil && polled.TooEarly {
				err = errLost
			}
			return err
		}), errLost)
		fixture.WantOneWinner(t, fixture.Race(t, a, b, func(ctx context.Context, s *store.Store) error {
			return s.Devices.AllowDevice(ctx, grantOf(d, "alice"), noon)
		}), devicecode.ErrNotFound)
	})
}

// Of concurrent decisions of a device one is final: it is either allowed or denied.
func TestDeviceIsDecidedOnce(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		a, b := storetest.Open(t, url), storetest.Open(t, url)
		fixture.Seed(t, a)
		for range 20 {
			d := aDevice("rp")
			must(t, a.Devices.InsertDevice(t.Context(), d))
			var both sync.WaitGroup
			var allow, deny error
			start := make(chan struct{})
			both.Go(func() { <-start; allow = a.Devices.AllowDevice(t.Context(), grantOf(d, "alice"), noon) })
			both.Go(func() { <-start; deny = b.Devices.DenyDevice(t.Context(), d.Grant, noon) })
			close(start)
			both.Wait()
			must(t, deny)
			polled, err := a.Devices.PollDevice(t.Context(), polling(d, noon))
			must(t, err)
			if denied := !polled.DeniedAt.IsZero(); polled.Allowed == denied {
				t.Errorf("a device is allowed: %v, and denied: %v", polled.Allowed, denied)
			}
			if lost := errors.Is(allow, devicecode.ErrNotFound); lost == polled.Allowed || !lost && allow != nil {
				t.Errorf("AllowDevice = %v for a device that is allowed: %v", allow, polled.Allowed)
			}
		}
	})
}

// The request for a custom device app has no client until the app has named the device.
func TestDeviceIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		a, b := storetest.Open(t, url), storetest.Open(t, url)
		ctx := t.Context()
		fixture.Seed(t, a)
		d := aDevice("rp")
		must(t, a.Devices.InsertDevice(ctx, d))
		ask := func(id string) {
			t.Helper()
			r := fixture.Request(id)
			r.ClientID, r.Parameters, r.Device = "", "", true
			must(t, a.Requests.InsertRequest(ctx, r))
		}
		ask("id")
		must(t, a.Requests.InsertRequest(ctx, fixture.Request("of a client")))
		for id, now := range map[string]time.Time{"of a client": noon, "unknown": noon, "id": noon.Add(time.Hour)} {
			wantErr(t, "answering "+id, a.Requests.AnswerDevice(ctx, id, d, someVerifier, now), authrequest.ErrNotFound)
		}
		wantErr(t, "spending before the answer", a.Requests.RedeemDevice(ctx, "id", someBrowser, someVerifier, noon), authrequest.ErrNotFound)
		fixture.WantOneWinner(t, fixture.Race(t, a, b, func(ctx context.Context, s *store.Store) error {
			return s.Requests.AnswerDevice(ctx, "id", d, someVerifier, noon)
		}), authrequest.ErrAlreadyDecided)
		r, err := a.Requests.Request(ctx, "id", noon)
		must(t, err)
		if r.ClientID != "rp" || r.Grant != d.Grant || r.Parameters != d.Parameters() || !r.ExpiresAt.Equal(d.ExpiresAt) || !r.Device {
			t.Errorf("the request is %+v", r)
		}
		for name, try := range map[string]func() error{
			"another browser":  func() error { return a.Requests.RedeemDevice(ctx, "id", session.Hash("x"), someVerifier, noon) },
			"no browser":       func() error { return a.Requests.RedeemDevice(ctx, "id", nil, someVerifier, noon) },
			"another verifier": func() error { return a.Requests.RedeemDevice(ctx, "id", someBrowser, session.Hash("x"), noon) },
			"too late": func() error {
				return a.Requests.RedeemDevice(ctx, "id", someBrowser, someVerifier, noon.Add(time.Hour))
			},
		} {
			wantErr(t, name, try(), authrequest.ErrNotFound)
		}
		fixture.WantOneWinner(t, fixture.Race(t, a, b, func(ctx context.Context, s *store.Store) error {
			return s.Requests.RedeemDevice(ctx, "id", someBrowser, someVerifier, noon)
		}), authrequest.ErrNotFound)

		ask("refused")
		must(t, a.Requests.AnswerDevice(ctx, "refused", nil, nil, noon))
		wantErr(t, "accepting afterwards", a.Requests.AnswerDevice(ctx, "refused", d, someVerifier, noon), authrequest.ErrAlreadyDecided)
	})
}

// A device receives no tokens if the account is disabled before it redeems its code.
func TestDeviceOfADisabledAccountGetsNoGrant(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		fixture.Seed(t, s)
		d := aDevice("rp")
		must(t, s.Devices.InsertDevice(ctx, d))
		must(t, s.Devices.AllowDevice(ctx, grantOf(d, "alice"), noon))
		must(t, s.Accounts.SetDisabled(ctx, "alice", true, noon.Add(time.Second)))
		_, err := s.Grants.RedeemCode(ctx, grant.CodeRedemption{Ref: d.Grant, ClientID: "rp", Now: noon.Add(2 * time.Second)})
		wantErr(t, "spending", err, grant.ErrNotFound)
	})
}
