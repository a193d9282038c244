package wire

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

func serve(t *testing.T, handler http.HandlerFunc) (*Conn, *atomic.Int32) {
	t.Helper()
	var opened atomic.Int32
	server := httptest.NewUnstartedServer(handler)
	server.Config.ConnState = countNew(&opened)
	server.Start()
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	conn := New(u)
	t.Cleanup(conn.Close)
	return conn, &opened
}

func TestResponsesAreReadCompletely(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789", 5000)
	conn, opened := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/short":
			io.WriteString(w, `{"a": 1}`)
		case "/chunked":
			io.WriteString(w, long[:7])
			w.(http.Flusher).Flush()
			io.WriteString(w, long[7:])
		case "/redirect":
			http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
			http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
			http.Redirect(w, r, "/elsewhere?x=y", http.StatusSeeOther)
		case "/echo":
			body, _ := io.ReadAll(r.Body)
			io.WriteString(w, r.Method+" "+r.URL.RawQuery+" "+r.Header.Get("Authorization")+" "+r.Header.Get("Content-Type")+" "+string(body))
		case "/empty":
			w.WriteHeader(http.StatusNoContent)
		case "/busy":
			w.Header().Set("Retry-After", "3")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	send := func(request []byte) Response {
		t.Helper()
		answer, err := conn.Send(request)
		if err != nil {
			t.Fatal(err)
		}
		return *answer
	}
	for range 2 { // the second time over the same connection
		if a := send(conn.Get("/short")); a.Status != 200 || string(a.Body) != `{"a": 1}` {
			t.Errorf("short: %d %q", a.Status, a.Body)
		}
		if a := send(conn.Get("/chunked")); a.Status != 200 || string(a.Body) != long {
			t.Errorf("chunked: %d, %d bytes", a.Status, len(a.Body))
		}
		if a := send(conn.Get("/redirect")); a.Status != 303 || a.Location != "/elsewhere?x=y" || len(a.SetCookie) != 2 {
			t.Errorf("redirect: %d %q %q", a.Status, a.Location, a.SetCookie)
		}
		if a := send(conn.Post("/echo?q", "x=y", Basic("a", "b:c"))); string(a.Body) != "POST q Basic YTpiJTNBYw== application/x-www-form-urlencoded x=y" {
			t.Errorf("echo: %q", a.Body)
		}
		if a := send(conn.Get("/empty")); a.Status != 204 || len(a.Body) != 0 {
			t.Errorf("empty: %d %q", a.Status, a.Body)
		}
		if a := send(conn.Get("/busy")); a.Status != 503 || a.RetryAfter != "3" {
			t.Errorf("busy: %d %q", a.Status, a.RetryAfter)
		}
	}
	if got := opened.Load(); got != 1 {
		t.Errorf("%d connections, want 1", got)
	}
}

func TestAClosedConnectionIsReopened(t *testing.T) {
	t.Parallel()
	conn, opened := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		io.WriteString(w, "bye")
	})
	for range 3 {
		if answer, err := conn.Send(conn.Get("/")); err != nil || string(answer.Body) != "bye" {
			t.Fatalf("answer %v, %v", answer, err)
		}
	}
	if got := opened.Load(); got != 3 {
		t.Errorf("%d connections, want 3", got)
	}
}

func TestMembersAreFoundWithoutDecoding(t *testing.T) {
	t.Parallel()
	document := []byte(`{"scope":"access_token", "access_token" : "abc", "active": true, "escaped":"a\"b", "refresh_token":null}`)
	for member, want := range map[string]string{"access_token": "abc", "escaped": `a"b`, "refresh_token": "", "token": "", "active": ""} {
		if got := Text(document, member); got != want {
			t.Errorf("Text(%s) = %q, want %q", member, got, want)
		}
	}
	if !True(document, "active") || True(document, "scope") || !Has(document, "refresh_token") || Has(document, "token") {
		t.Error("True or Has is wrong")
	}
}

func countNew(opened *atomic.Int32) func(c net.Conn, state http.ConnState) {
	return func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
}
