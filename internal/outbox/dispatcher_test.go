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

// A client receives only a logout token, signed with the algorithm of its ID tokens.
func TestLogoutTokenClaims(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := newFixture(t, s)
		tokens := make(chan string, 3)
		take := func(w http.ResponseWriter, r *http.Request) {
			if err := r.ParseForm(); err != nil || len(r.PostForm) != 1 || r.URL.RawQuery != "at=once" {
				t.Errorf("posted %v to %s, %v; want a logout_token alone", r.PostForm, r.URL, err)
			}
			tokens <- r.PostForm.Get("logout_token")
			w.WriteHeader(http.StatusNoContent)
		}
		f.receiver("rp", take, func(c *client.Client) { c.IDTokenSignedResponseAlg = "RS256" })
		pairwise := f.receiver("pairwise", take, func(c *client.Client) { c.SubjectType = client.Pairwise })
		f.receiver("named", take, nil)
		f.run()
		sid := f.signOut("rp", "pairwise", "named")

		for range 3 {
			token := <-tokens
			payload, _, err := f.keys.Verify(token, "logout+jwt")
			f.must(err)
			var got map[string]any
			f.must(json.Unmarshal(payload, &got))
			if jti, _ := got["jti"].(string); len(jti) < 20 {
				t.Errorf("jti = %q, want a long random one", jti)
			}
			delete(got, "jti")
			now := float64(f.now().Unix())
			want := map[string]any{
				"iss": issuer, "aud": "rp", "iat": now, "exp": now + 120, "sub": "ada-subject", "sid": sid,
				"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
			}
			alg := `"RS256"`
			if got["aud"] == "named" { // by a custom login app
				want["aud"], want["sub"], alg = "named", "as-ada", `"ES256"`
			}
			if got["aud"] == "pairwise" {
				subjects := client.Subjects{Salt: []byte("salt")}
				want["aud"], want["sub"], alg = "pairwise", subjects.Of(pairwise, "ada-subject"), `"ES256"`
				want["sid"] = subjects.Session(pairwise, sid) // with the internal id, two clients could correlate users
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("logout token (-want +got):\n%s", diff)
			}
			if header := decode(t, token); !strings.Contains(header, alg) || !strings.Contains(header, `"kid"`) {
				t.Errorf("header = %s, want a kid and %s", header, alg)
			}
		}
		for _, id := range []string{"rp", "pairwise", "named"} {
			if n := f.settles(id, outbox.Delivered); n.Attempts != 1 || n.Status != http.StatusNoContent || n.LastError != "" {
				t.Errorf("the notice is %+v, want it delivered at the first attempt", n)
			}
		}
	})
}

// A notice without a response of success is sent again with backoff, and redirects are not
// followed.
func TestAFailedDeliveryIsRetried(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request)
		status int
		fault  string
	}{
		"an error": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, 500, "status 500"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, 307, "status 307"},
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
			f := newFixture(t, storetest.New(t))
			var good atomic.Bool
			f.receiver("rp", func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/back" {
					t.Errorf("%s was followed", r.URL)
				}
				if !good.Load() {
					tc.answer(w, r)
				}
			}, nil)
			f.run()
			f.signOut("rp")
			n := f.becomes("rp", "tried", func(n *outbox.Notice) bool { return n.LastError != "" })
			if n.Status != tc.status || !strings.Contains(n.LastError, tc.fault) || n.State != outbox.Pending || n.Attempts != 1 {
				t.Errorf("the notice is %+v, want status %d and %q", n, tc.status, tc.fault)
			}
			if wait := n.DueAt.Sub(f.now()); wait < time.Second || wait > 2*time.Second {
				t.Errorf("the next attempt is in %v, want 1 to 2 s", wait)
			}
			good.Store(true)
			f.pass(2 * time.Second)
			if n := f.settles("rp", outbox.Delivered); n.Attempts != 2 || n.LastError != "" {
				t.Errorf("the notice is %+v, want it delivered at the second attempt", n)
			}
		})
	}
}

// A slow receiver does not delay others, regardless of the number of its notices.
func TestASlowReceiverDoesNotDelayOthers(t *testing.T) {
	t.Parallel()

	f := newFixture(t, storetest.New(t))
	release := make(chan struct{})
	var most, now atomic.Int32
	f.receiver("stuck", func(http.ResponseWriter, *http.Request) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer now.Add(-1)
		<-release
	}, nil)
	var notified sync.WaitGroup
	notified.Add(20)
	f.receiver("rp", func(http.ResponseWriter, *http.Request) { notified.Done() }, nil)
	for range 20 {
		f.signOut("stuck", "rp")
	}
	began := time.Now()
	f.run()
	notified.Wait()
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("the other client was notified after %v", took)
	}
	close(release)
	if n := most.Load(); n > 2 {
		t.Errorf("%d notices at once went to one client, want 2 at most", n)
	}
}

// Unhealthy receivers share a separate limit.
func TestManyHangingReceiversDoNotDelayOthers(t *testing.T) {
	t.Parallel()

	f := newFixture(t, storetest.New(t))
	release := make(chan struct{})
	var clients []string
	for i := range 60 {
		id := "stuck-" + strconv.Itoa(i)
		f.receiver(id, func(http.ResponseWriter, *http.Request) { <-release }, nil)
		clients = append(clients, id)
	}
	for range 3 {
		f.signOut(clients...)
	}
	t.Cleanup(func() { close(release) })
	f.run()
	for _, id := range clients {
		f.hungOnce(id)
	}
	f.receiver("well", ok, nil)
	began := time.Now() // it is the last in the queue
	f.signOut("well")
	f.settles("well", outbox.Delivered)
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("the other client was notified after %v", took)
	}
}

// A receiver that accepts every notice slowly is unhealthy as well.
func TestManySlowReceiversDoNotDelayOthers(t *testing.T) {
	t.Parallel()

	f := newFixture(t, storetest.New(t))
	began := time.Now()
	f.dispatcher.Now = func() time.Time { return f.now().Add(time.Since(began)) }
	var first sync.WaitGroup
	var clients []string
	for i := range 60 {
		id := "slow-" + strconv.Itoa(i)
		first.Add(1)
		once := sync.OnceFunc(first.Done)
		f.receiver(id, func(http.ResponseWriter, *http.Request) { time.Sleep(2500 * time.Millisecond); once() }, nil)
		clients = append(clients, id)
	}
	for range 10 {
		f.signOut(clients...)
	}
	f.run()
	first.Wait()
	f.receiver("well", ok, nil)
	queued := time.Now() // it is the last in the queue
	f.signOut("well")
	f.settles("well", outbox.Delivered)
	if took := time.Since(queued); took > 4*time.Second {
		t.Errorf("the other client was notified after %v", took)
	}
}

// Failed deliveries do not delay the poll that finds notices of other processes.
func TestFailuresDoNotDelayTheNextPoll(t *testing.T) {
	t.Parallel()

	f := newFixture(t, storetest.New(t))
	f.receiver("failing", func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(300 * time.Millisecond)
		w.WriteHeader(http.StatusInternalServerError)
	}, nil)
	f.receiver("well", ok, nil)
	for range 80 {
		f.signOut("failing")
	}
	f.run()
	for !strings.Contains(f.logged(), "will retry") {
		time.Sleep(5 * time.Millisecond)
	}
	f.endSession("well") // without Wake
	written := time.Now()
	f.settles("well", outbox.Delivered)
	if took := time.Since(written); took > 8*time.Second {
		t.Errorf("the other client was notified after %v", took)
	}
}

func TestANoticeFailsAfterItsRetryPeriod(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer   int
		attempts int // after which it fails
	}{
		"rejected":              {http.StatusBadRequest, 4},
		"unavailable for a day": {http.StatusServiceUnavailable, 12},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, storetest.New(t))
			f.receiver("rp", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(tc.answer) }, nil)
			f.run()
			f.signOut("rp")
			began, last := f.now(), time.Duration(0)
			for attempt := 1; ; attempt++ {
				n := f.becomes("rp", "tried again", func(n *outbox.Notice) bool {
					return n.Attempts == attempt && (n.State == outbox.Failed || n.DueAt.Sub(f.now()) != 30*time.Second && n.LastError != "")
				})
				if n.State == outbox.Failed {
					if attempt > tc.attempts {
						t.Errorf("it failed after %d attempts, want at most %d", attempt, tc.attempts)
					}
					break
				}
				wait := n.DueAt.Sub(f.now())
				if wait < last*3/4 {
					t.Errorf("after attempt %d it waits %v, less than the %v before", attempt, wait, last)
				}
				last = wait
				f.pass(wait)
			}
			if took := f.now().Sub(began); took > outbox.RetryPeriod {
				t.Errorf("it was sent for %v", took)
			}
			if log := f.logged(); strings.Count(log, "level=WARN") != 1 || !strings.Contains(log, "notice failed") {
				t.Errorf("the log has not one warning:\n%s", log)
			}
			if log := f.logged(); strings.Contains(log, "eyJ") {
				t.Errorf("the log holds a token:\n%s", log)
			}
		})
	}
}

func TestAnUndeliverableNoticeFailsAtOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(f *fixture, c *client.Client) error
		fault  string
	}{
		"deleted": {func(f *fixture, c *client.Client) error { return f.store.Clients.DeleteClient(f.t.Context(), c.ID) }, "the client was deleted"},
		"disabled": {func(f *fixture, c *client.Client) error {
			c.Disabled = true
			return f.store.Clients.UpdateClient(f.t.Context(), c)
		}, "disabled"},
		"without a URL": {func(f *fixture, c *client.Client) error {
			c.BackchannelLogoutURI = ""
			return f.store.Clients.UpdateClient(f.t.Context(), c)
		}, "no backchannel_logout_uri"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, storetest.New(t))
			c := f.receiver("rp", func(http.ResponseWriter, *http.Request) { t.Error("it was notified") }, nil)
			f.signOut("rp")
			f.must(tc.change(f, c))
			f.run()
			if n := f.settles("rp", outbox.Failed); n.Attempts != 1 || !strings.Contains(n.LastError, tc.fault) {
				t.Errorf("the notice is %+v, want %q", n, tc.fault)
			}
		})
	}
}

// A process that stops finishes its deliveries; the notices of a dead process are
// delivered by the next.
func TestNoNoticeIsLostWhenADispatcherEnds(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := storetest.Open(t, url)
		f := newFixture(t, s)
		arrived, release := make(chan struct{}), make(chan struct{})
		f.receiver("rp", func(http.ResponseWriter, *http.Request) {
			arrived <- struct{}{}
			<-release
		}, nil)
		stop := f.run()
		f.signOut("rp")
		<-arrived
		go func() { time.Sleep(50 * time.Millisecond); close(release) }()
		stop()
		if n := f.only("rp"); n.State != outbox.Delivered {
			t.Errorf("after Run the notice is %+v, want it delivered", n)
		}

		f.receiver("other", ok, nil)
		f.signOut("other")
		// A process claims it and dies.
		_, err := s.Outbox.ClaimNotice(t.Context(), "other", f.now(), f.now().Add(30*time.Second))
		f.must(err)
		f.dispatcher = outbox.NewDispatcher(f.dispatcher.Config)
		f.run()
		f.pass(31 * time.Second)
		if n := f.settles("other", outbox.Delivered); n.Attempts != 2 {
			t.Errorf("the notice is %+v, want it delivered at the second attempt", n)
		}
	})
}

// A missing signing key is a temporary error.
func TestANoticeWaitsForASigningKey(t *testing.T) {
	t.Parallel()

	f := newFixture(t, storetest.New(t))
	f.receiver("rp", ok, func(c *client.Client) { c.IDTokenSignedResponseAlg = string(jwks.PS256) }) // without a key
	f.run()
	f.signOut("rp")
	n := f.becomes("rp", "tried", func(n *outbox.Notice) bool { return n.LastError != "" })
	if n.State != outbox.Pending || !strings.Contains(n.LastError, "sign logout token") {
		t.Errorf("the notice is %+v, want it pending", n)
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
