package middleware_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/middleware"
)

// logged returns a server with all middleware that logs, and the log.
func logged(t *testing.T, handlers map[string]http.HandlerFunc) (*httptest.Server, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	now := func() time.Time { at = at.Add(time.Millisecond); return at }

	router := chi.NewRouter()
	router.Use(middleware.ClientAddress(nil), middleware.RequestID(trusted()), middleware.AccessLog(log, now, nil), middleware.Recover(log, nil))
	for pattern, h := range handlers {
		router.Handle(pattern, h)
	}
	server := httptest.NewUnstartedServer(router)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.Start()
	t.Cleanup(server.Close)
	return server, &out
}

func TestAccessLogHasTheRouteAndNoSecret(t *testing.T) {
	t.Parallel()

	server, out := logged(t, map[string]http.HandlerFunc{
		"/setup/{link}": func(w http.ResponseWriter, _ *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "hunter2"})
			w.WriteHeader(http.StatusCreated)
			io.WriteString(w, "hunter2")
		},
	})
	req, _ := http.NewRequest(http.MethodPost, server.URL+"/setup/hunter2?code=hunter2", strings.NewReader("password=hunter2"))
	req.Header.Set("Authorization", "Bearer hunter2")
	req.Header.Set("Cookie", "session=hunter2")
	req.Header.Set("Referer", "https://rp.example.com/?code=hunter2")
	req.Header.Set("User-Agent", "hunter2")
	req.Header.Set("X-Request-Id", "r-1")
	resp, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	server.Close()

	if strings.Contains(out.String(), "hunter2") {
		t.Errorf("a secret is logged: %s", out)
	}
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	delete(got, "time")
	want := map[string]any{
		"level": "INFO", "msg": "request", "method": "POST", "route": "/setup/{link}", "status": 201.0,
		"duration_seconds": 0.001, "bytes": 7.0, "client_address": "127.0.0.1", "request_id": "r-1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("log line (-want +got):\n%s", diff)
	}
}

func TestAccessLogRecordsImplicitStatus(t *testing.T) {
	t.Parallel()

	server, out := logged(t, map[string]http.HandlerFunc{"/quiet": func(http.ResponseWriter, *http.Request) {}})
	for _, path := range []string{"/quiet", "/hunter2"} {
		resp, err := server.Client().Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	req, _ := http.NewRequest("HUNTER2", server.URL+"/quiet", nil)
	if resp, err := server.Client().Do(req); err == nil {
		resp.Body.Close()
	}
	server.Close()

	for _, want := range []string{`"route":"/quiet","status":200`, `"route":"unmatched","status":404`, `"method":"other"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no line has %s:\n%s", want, out)
		}
	}
	if strings.Contains(strings.ToLower(out.String()), "hunter2") {
		t.Errorf("text of the client is logged:\n%s", out)
	}
}

func TestAPanicIsA500WithoutDetail(t *testing.T) {
	t.Parallel()

	server, out := logged(t, map[string]http.HandlerFunc{
		"/panic": func(http.ResponseWriter, *http.Request) { panic("token hunter2") },
		"/index": func(_ http.ResponseWriter, r *http.Request) { _ = r.URL.Path[len(r.URL.Path)+1:] },
	})
	for _, path := range []string{"/panic", "/index"} {
		resp, err := server.Client().Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		want := `{"error":"server_error","error_description":"The server met an unexpected condition.","status_code":500}` + "\n"
		if resp.StatusCode != http.StatusInternalServerError || string(body) != want {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
	server.Close()
	text := out.String()
	if strings.Count(text, "accesslog_test.go") == 0 || strings.Count(text, "handler panicked") != 2 {
		t.Errorf("the stack is not logged once for each panic:\n%s", text)
	}
	if strings.Contains(text, "hunter2") {
		t.Errorf("the value of the panic is logged:\n%s", text)
	}
	for _, want := range []string{`"cause":"string"`, "slice bounds out of range", `"route":"/panic","status":500`} {
		if !strings.Contains(text, want) {
			t.Errorf("no line has %s:\n%s", want, text)
		}
	}
}

func TestAPanicAbortsAPartialResponse(t *testing.T) {
	t.Parallel()

	server, out := logged(t, map[string]http.HandlerFunc{
		"/half": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"active":`)
			http.NewResponseController(w).Flush()
			panic(errors.New("half way"))
		},
		"/abort": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	})
	resp, err := server.Client().Get(server.URL + "/half")
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("the client read %s without an error", body)
	}
	resp.Body.Close()
	if resp, err := server.Client().Get(server.URL + "/abort"); err == nil {
		resp.Body.Close()
		t.Errorf("an aborted request was answered %d", resp.StatusCode)
	}
	server.Close()
	if n := strings.Count(out.String(), "handler panicked"); n != 1 {
		t.Errorf("%d panics are logged, want the one that was no abort:\n%s", n, out)
	}
}
