package middleware_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/middleware"
)

// fakeClock is a clock that a test advances.
type fakeClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *fakeClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *fakeClock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// bodyServer serves a form behind SlowBodies. X-Forwarded-For is the client address.
type bodyServer struct {
	t       *testing.T
	address string
	clock   *fakeClock
	bodies  *middleware.SlowBodies
}

func serveBodies(t *testing.T, rule middleware.SlowBodyRule) *bodyServer {
	t.Helper()
	clock := &fakeClock{at: time.Unix(1_800_000_000, 0)}
	s := &bodyServer{t: t, clock: clock, bodies: middleware.NewSlowBodies(rule, clock.now)}
	form := middleware.Form(tokenRule())(http.HandlerFunc(ok))
	large := middleware.NewAdmission(middleware.AdmissionRule{Slots: 1}, time.Now, slog.New(slog.DiscardHandler))
	server := httptest.NewServer(middleware.ClientAddress([]netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")})(
		s.bodies.Handler(middleware.BodyLimit(large)(form))))
	t.Cleanup(server.Close)
	s.address = server.Listener.Addr().String()
	return s
}

// slowRequest is a request whose body has begun.
type slowRequest struct {
	net.Conn
	t *testing.T
}

// begin sends the head of a request and the first bytes of a chunked body.
func (s *bodyServer) begin(from string) *slowRequest {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	fmt.Fprintf(conn, "POST /oauth2/token HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: %s\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nc\r\n", from)
	return &slowRequest{conn, s.t}
}

// slowResponse is the tested part of a response.
type slowResponse struct {
	status     int
	retryAfter string
	closing    bool
}

// finish sends the rest of the body and returns the response.
func (r *slowRequest) finish() slowResponse {
	r.t.Helper()
	fmt.Fprint(r, "5\r\node=a\r\n0\r\n\r\n") // the connection may be closed; the response shows it
	return r.response()
}

func (r *slowRequest) response() slowResponse {
	r.t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(r), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	return slowResponse{response.StatusCode, response.Header.Get("Retry-After"), response.Close}
}

func TestASlowBodyIsAborted(t *testing.T) {
	t.Parallel()

	s := serveBodies(t, middleware.SlowBodyRule{MinRate: 1000})
	slow := s.begin("192.0.2.1")
	s.waitFor(1)
	s.clock.pass(5 * time.Second) // the minimum is 0 bytes
	fast := s.begin("192.0.2.1")
	s.waitFor(2)
	s.clock.pass(500 * time.Millisecond) // and 500 for the first
	got := slow.response()
	if got.status != http.StatusRequestTimeout || !got.closing {
		t.Errorf("the slow body: %+v, want 408 and a closed connection", got)
	}
	if got := fast.finish(); got.status != http.StatusOK {
		t.Errorf("the other one: %+v, want 200", got)
	}
	if s.bodies.TooSlow() != 1 || s.bodies.TooMany() != 0 {
		t.Errorf("counted %d too slow and %d too many, want 1 and 0", s.bodies.TooSlow(), s.bodies.TooMany())
	}
}

// waitFor waits until n bodies are being read.
func (s *bodyServer) waitFor(n int) {
	s.t.Helper()
	for s.bodies.Reading() != n {
		select {
		case <-s.t.Context().Done():
			s.t.Fatal("the bodies are not read")
		case <-time.After(time.Millisecond):
		}
	}
}

func TestSlowBodiesOfANetworkAreLimited(t *testing.T) {
	t.Parallel()

	s := serveBodies(t, middleware.SlowBodyRule{PerNetwork: 2})
	var begun []*slowRequest
	for i, from := range []string{
		"192.0.2.1", "192.0.2.1", "192.0.2.1", // the third is one too many of the address
		"192.0.2.2", "192.0.2.3", "192.0.2.4", // the last is one too many of the /24
		"198.51.100.1",
		"2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:1::3", // one too many of the /64
		"2001:db8:0:2::1", "2001:db8:0:2::1", "2001:db8:0:3::1", // one too many of the /56
		"2001:db8:0:100::1", "2001:db8:0:200::1", "2001:db8:0:300::1", "2001:db8:0:400::1",
		"2001:db8:0:500::1", // one too many of the /48
		"2001:db8:1::1",
	} {
		begun = append(begun, s.begin(from))
		s.waitFor(i + 1)
	}
	s.clock.pass(time.Second)
	aborted := map[int]bool{2: true, 5: true, 9: true, 12: true, 17: true}
	for i := range aborted {
		got := begun[i].response()
		if got.status != http.StatusTooManyRequests || got.retryAfter == "" || !got.closing {
			t.Errorf("request %d: %+v, want 429", i, got)
		}
	}
	for i, request := range begun {
		if aborted[i] {
			continue
		}
		if got := request.finish(); got.status != http.StatusOK {
			t.Errorf("request %d: %+v, want 200", i, got)
		}
	}
	if got := s.bodies.TooMany(); got != uint64(len(aborted)) {
		t.Errorf("counted %d, want %d", got, len(aborted))
	}
}

// Unfinished bodies hold no slot.
func TestABodyIsReadBeforeASlotIsTaken(t *testing.T) {
	t.Parallel()

	s := serveBodies(t, middleware.SlowBodyRule{}) // one slot for large bodies
	for i := range 10 {
		s.begin(fmt.Sprintf("192.0.2.%d", i))
	}
	large := "code=" + strings.Repeat("a", 9<<10)
	for range 3 {
		got, err := http.Post("http://"+s.address+"/oauth2/token", "application/x-www-form-urlencoded", strings.NewReader(large))
		if err != nil {
			t.Fatal(err)
		}
		if _ = got.Body.Close(); got.StatusCode != http.StatusOK {
			t.Errorf("a large body while others are unfinished: %d, want 200", got.StatusCode)
		}
	}
}

// A truncated body is not accepted as a small one.
func TestATruncatedBodyIsRejected(t *testing.T) {
	t.Parallel()

	s := serveBodies(t, middleware.SlowBodyRule{MinRate: 1})
	r := s.begin("192.0.2.1")
	if err := r.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got := r.response(); got.status != http.StatusBadRequest {
		t.Errorf("%+v, want 400", got)
	}
}

func BenchmarkBodies(b *testing.B) {
	form := middleware.Form(tokenRule())(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	body := "grant_type=client_credentials&client_id=web&client_secret=" + strings.Repeat("s", 43)
	for name, h := range map[string]http.Handler{
		"unwatched": form,
		"watched":   middleware.NewSlowBodies(middleware.SlowBodyRule{MinRate: 2048, PerNetwork: 64}, time.Now).Handler(form),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodPost, "/oauth2/token", strings.NewReader(body))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				h.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}

// Over HTTP/2 the stream of a slow body ends, and other streams of its connection continue.
func TestASlowStreamIsAbortedAlone(t *testing.T) {
	t.Parallel()

	clock := &fakeClock{at: time.Unix(1_800_000_000, 0)}
	bodies := middleware.NewSlowBodies(middleware.SlowBodyRule{MinRate: 1000}, clock.now)
	server := httptest.NewUnstartedServer(middleware.ClientAddress(nil)(bodies.Handler(
		middleware.Form(tokenRule())(http.HandlerFunc(ok)))))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	s := &bodyServer{t: t, clock: clock, bodies: bodies}
	post := func(body io.Reader) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, body)
		if err != nil {
			t.Error(err)
			return 0
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		response, err := server.Client().Do(r)
		if err != nil {
			t.Error(err)
			return 0
		}
		_ = response.Body.Close()
		if response.ProtoMajor != 2 {
			t.Errorf("answered over %s, want HTTP/2", response.Proto)
		}
		return response.StatusCode
	}
	slow, sender := io.Pipe()
	defer sender.Close()
	answered := make(chan int)
	go func() { answered <- post(slow) }()
	s.waitFor(1)
	clock.pass(time.Minute)
	if got := <-answered; got != http.StatusRequestTimeout {
		t.Errorf("the slow body: %d, want 408", got)
	}
	if got := post(strings.NewReader("code=a")); got != http.StatusOK {
		t.Errorf("another one: %d, want 200", got)
	}
}
