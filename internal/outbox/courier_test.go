package outbox_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/outbox"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func ok(http.ResponseWriter, *http.Request) {}

// What a client gets is a logout token and nothing else, signed as its ID tokens
// are.
func TestALogoutTokenSaysWhoLeftWhat(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHouse(t, s)
		tokens := make(chan string, 3)
		take := func(w http.ResponseWriter, r *http.Request) {
			if err := r.ParseForm(); err != nil || len(r.PostForm) != 1 || r.URL.RawQuery != "at=once" {
				t.Errorf("posted %v to %s, %v; want a logout_token alone", r.PostForm, r.URL, err)
			}
			tokens <- r.PostForm.Get("logout_token")
			w.WriteHeader(http.StatusNoContent)
		}
		h.receiver("rp", take, func(c *client.Client) { c.IDTokenSignedResponseAlg = "RS256" })
		pairwise := h.receiver("pairwise", take, func(c *client.Client) { c.SubjectType = client.Pairwise })
		h.receiver("named", take, nil)
		h.run()
		sid := h.signOut("rp", "pairwise", "named")

		for range 3 {
			token := <-tokens
			payload, _, err := h.keys.Verify(token, "logout+jwt")
			h.must(err)
			var got map[string]any
			h.must(json.Unmarshal(payload, &got))
			if jti, _ := got["jti"].(string); len(jti) < 20 {
				t.Errorf("jti = %q, want one that nobody has seen", jti)
			}
			delete(got, "jti")
			now := float64(h.now().Unix())
			want := map[string]any{
				"iss": issuer, "aud": "rp", "iat": now, "exp": now + 120, "sub": "ada-subject", "sid": sid,
				"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
			}
			alg := `"RS256"`
			if got["aud"] == "named" { // by a login app
				want["aud"], want["sub"], alg = "named", "as-ada", `"ES256"`
			}
			if got["aud"] == "pairwise" {
				subjects := client.Subjects{Salt: []byte("salt")}
				want["aud"], want["sub"], alg = "pairwise", subjects.Of(pairwise, "ada-subject"), `"ES256"`
				want["sid"] = subjects.Session(pairwise, sid) // by one that all know, two clients know their person for the same
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("logout token (-want +got):\n%s", diff)
			}
			if header := decode(t, token); !strings.Contains(header, alg) || !strings.Contains(header, `"kid"`) {
				t.Errorf("header = %s, want a kid and %s", header, alg)
			}
		}
		for _, id := range []string{"rp", "pairwise", "named"} {
			if n := h.settles(id, outbox.Delivered); n.Attempts != 1 || n.Status != http.StatusNoContent || n.Fault != "" {
				t.Errorf("the notice is %+v, want it delivered at once", n)
			}
		}
	})
}

// Whatever a receiver does that is no yes, the notice comes again, later and later,
// and nothing that the answer says is followed.
func TestWhatIsNotTakenComesAgain(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request)
		status int
		fault  string
	}{
		"a fault": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, 500, "answered 500"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, 307, "answered 307"},
		"no answer": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 0, "EOF"},
		"a slow answer": {func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				panic(err)
			}
			defer conn.Close()
			for _, b := range []byte("HTTP/1.1 200 OK\r\nX-Slow: " + strings.Repeat("x", 40)) {
				if _, err := conn.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(200 * time.Millisecond)
			}
		}, 0, "deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, storetest.New(t))
			var good atomic.Bool
			h.receiver("rp", func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/back" {
					t.Errorf("%s was followed", r.URL)
				}
				if !good.Load() {
					tc.answer(w, r)
				}
			}, nil)
			h.run()
			h.signOut("rp")
			n := h.becomes("rp", "tried", func(n *outbox.Notice) bool { return n.Fault != "" })
			if n.Status != tc.status || !strings.Contains(n.Fault, tc.fault) || n.State != outbox.Pending || n.Attempts != 1 {
				t.Errorf("the notice is %+v, want status %d and %q", n, tc.status, tc.fault)
			}
			if wait := n.DueAt.Sub(h.now()); wait < time.Second || wait > 2*time.Second {
				t.Errorf("it is tried again in %v, want a second or so", wait)
			}
			good.Store(true)
			h.pass(2 * time.Second)
			if n := h.settles("rp", outbox.Delivered); n.Attempts != 2 || n.Fault != "" {
				t.Errorf("the notice is %+v, want it delivered at the second try", n)
			}
		})
	}
}

// A receiver that hangs keeps nobody else waiting, however many notices it has.
func TestAHangingReceiverDelaysNobodyElse(t *testing.T) {
	t.Parallel()

	h := newHouse(t, storetest.New(t))
	release := make(chan struct{})
	var most, now atomic.Int32
	h.receiver("stuck", func(http.ResponseWriter, *http.Request) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer now.Add(-1)
		<-release
	}, nil)
	var told sync.WaitGroup
	told.Add(20)
	h.receiver("rp", func(http.ResponseWriter, *http.Request) { told.Done() }, nil)
	for range 20 {
		h.signOut("stuck", "rp")
	}
	began := time.Now()
	h.run()
	told.Wait()
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("the other was told after %v, though nothing held it up", took)
	}
	close(release)
	if n := most.Load(); n > 2 {
		t.Errorf("%d notices at once went to one client, want 2 at most", n)
	}
}

// Receivers that hang take each other's places and nobody else's, once they are
// known.
func TestManyHangingReceiversDelayNobodyElse(t *testing.T) {
	t.Parallel()

	h := newHouse(t, storetest.New(t))
	release := make(chan struct{})
	var clients []string
	for i := range 60 {
		id := "stuck-" + strconv.Itoa(i)
		h.receiver(id, func(http.ResponseWriter, *http.Request) { <-release }, nil)
		clients = append(clients, id)
	}
	for range 3 {
		h.signOut(clients...)
	}
	t.Cleanup(func() { close(release) })
	h.run()
	for _, id := range clients {
		h.hungOnce(id)
	}
	h.receiver("well", ok, nil)
	began := time.Now() // it is the last in the queue
	h.signOut("well")
	h.settles("well", outbox.Delivered)
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("the other was told after %v", took)
	}
}

// Who takes every notice, but takes their time over it, is no better than who hangs.
func TestManySlowReceiversDelayNobodyElse(t *testing.T) {
	t.Parallel()

	h := newHouse(t, storetest.New(t))
	began := time.Now()
	h.courier.Now = func() time.Time { return h.now().Add(time.Since(began)) }
	var first sync.WaitGroup
	var clients []string
	for i := range 60 {
		id := "slow-" + strconv.Itoa(i)
		first.Add(1)
		once := sync.OnceFunc(first.Done)
		h.receiver(id, func(http.ResponseWriter, *http.Request) { time.Sleep(2500 * time.Millisecond); once() }, nil)
		clients = append(clients, id)
	}
	for range 10 {
		h.signOut(clients...)
	}
	h.run()
	first.Wait()
	h.receiver("well", ok, nil)
	asked := time.Now() // it is the last in the queue
	h.signOut("well")
	h.settles("well", outbox.Delivered)
	if took := time.Since(asked); took > 4*time.Second {
		t.Errorf("the other was told after %v", took)
	}
}

// What another process wrote is found in time, however much goes wrong meanwhile.
func TestFailuresDoNotPutOffTheNextLook(t *testing.T) {
	t.Parallel()

	h := newHouse(t, storetest.New(t))
	h.receiver("failing", func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(300 * time.Millisecond)
		w.WriteHeader(http.StatusInternalServerError)
	}, nil)
	h.receiver("well", ok, nil)
	for range 80 {
		h.signOut("failing")
	}
	h.run()
	for !strings.Contains(h.logged(), "not delivered yet") {
		time.Sleep(5 * time.Millisecond)
	}
	h.endSession("well") // and nobody wakes the courier
	written := time.Now()
	h.settles("well", outbox.Delivered)
	if took := time.Since(written); took > 8*time.Second {
		t.Errorf("the other was told after %v", took)
	}
}

func TestANoticeIsGivenUpInTheEnd(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer   int
		attempts int // at which it is given up
	}{
		"refused, which will not change": {http.StatusBadRequest, 4},
		"out of order for a day":         {http.StatusServiceUnavailable, 12},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, storetest.New(t))
			h.receiver("rp", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(tc.answer) }, nil)
			h.run()
			h.signOut("rp")
			began, last := h.now(), time.Duration(0)
			for attempt := 1; ; attempt++ {
				n := h.becomes("rp", "tried again", func(n *outbox.Notice) bool {
					return n.Attempts == attempt && (n.State == outbox.Failed || n.DueAt.Sub(h.now()) != 30*time.Second && n.Fault != "")
				})
				if n.State == outbox.Failed {
					if attempt > tc.attempts {
						t.Errorf("it was given up after %d tries, want %d at most", attempt, tc.attempts)
					}
					break
				}
				wait := n.DueAt.Sub(h.now())
				if wait < last*3/4 {
					t.Errorf("after try %d it waits %v, less than %v before", attempt, wait, last)
				}
				last = wait
				h.pass(wait)
			}
			if took := h.now().Sub(began); took > outbox.Persistence {
				t.Errorf("it was tried for %v", took)
			}
			if log := h.logged(); strings.Count(log, "level=WARN") != 1 || !strings.Contains(log, "notice given up") {
				t.Errorf("the log does not warn once:\n%s", log)
			}
			if log := h.logged(); strings.Contains(log, "eyJ") {
				t.Errorf("the log holds a token:\n%s", log)
			}
		})
	}
}

func TestWhoCannotBeToldIsGivenUpAtOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(h *house, c *client.Client) error
		fault  string
	}{
		"deleted": {func(h *house, c *client.Client) error { return h.store.Clients.DeleteClient(h.t.Context(), c.ID) }, "the client is gone"},
		"disabled": {func(h *house, c *client.Client) error {
			c.Disabled = true
			return h.store.Clients.UpdateClient(h.t.Context(), c)
		}, "disabled"},
		"no longer interested": {func(h *house, c *client.Client) error {
			c.BackchannelLogoutURI = ""
			return h.store.Clients.UpdateClient(h.t.Context(), c)
		}, "no backchannel_logout_uri"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, storetest.New(t))
			c := h.receiver("rp", func(http.ResponseWriter, *http.Request) { t.Error("it was told") }, nil)
			h.signOut("rp")
			h.must(tc.change(h, c))
			h.run()
			if n := h.settles("rp", outbox.Failed); n.Attempts != 1 || !strings.Contains(n.Fault, tc.fault) {
				t.Errorf("the notice is %+v, want %q", n, tc.fault)
			}
		})
	}
}

// A process that is stopped hands over what it has begun; one that dies leaves it
// to the next.
func TestNothingIsLostWhenACourierEnds(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := storetest.Open(t, url)
		h := newHouse(t, s)
		arrived, release := make(chan struct{}), make(chan struct{})
		h.receiver("rp", func(http.ResponseWriter, *http.Request) {
			arrived <- struct{}{}
			<-release
		}, nil)
		stop := h.run()
		h.signOut("rp")
		<-arrived
		go func() { time.Sleep(50 * time.Millisecond); close(release) }()
		stop()
		if n := h.only("rp"); n.State != outbox.Delivered {
			t.Errorf("after an orderly end the notice is %+v, want it delivered", n)
		}

		h.receiver("other", ok, nil)
		h.signOut("other")
		// Somebody takes it up and is never heard of again.
		_, err := s.Outbox.ClaimNotice(t.Context(), "other", h.now(), h.now().Add(30*time.Second))
		h.must(err)
		h.courier = outbox.NewCourier(h.courier.Config)
		h.run()
		h.pass(31 * time.Second)
		if n := h.settles("other", outbox.Delivered); n.Attempts != 2 {
			t.Errorf("the notice is %+v, want it delivered at the second try", n)
		}
	})
}

// Keys that cannot be had for the moment are no reason to give up.
func TestATokenThatCannotBeSignedWaits(t *testing.T) {
	t.Parallel()

	h := newHouse(t, storetest.New(t))
	h.receiver("rp", ok, func(c *client.Client) { c.IDTokenSignedResponseAlg = string(jwks.PS256) }) // of which there is no key
	h.run()
	h.signOut("rp")
	n := h.becomes("rp", "tried", func(n *outbox.Notice) bool { return n.Fault != "" })
	if n.State != outbox.Pending || !strings.Contains(n.Fault, "sign logout token") {
		t.Errorf("the notice is %+v, want it to wait", n)
	}
}

func decode(t *testing.T, token string) string {
	t.Helper()
	header, _, _ := strings.Cut(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(header)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
