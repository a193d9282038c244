package outbound

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/unavailable"
)

// hookAt runs a hook server, and returns its Hook.
func hookAt(t *testing.T, serve http.HandlerFunc) *Hook {
	t.Helper()
	s := httptest.NewServer(serve)
	t.Cleanup(s.Close)
	h, err := NewHook(HookConfig{URL: s.URL + "/?key=s3cr3t", Header: "X-Key", Value: "v"})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestAHookMayHaveAPrivateAddress(t *testing.T) {
	t.Parallel()

	h := hookAt(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, r.Method+" "+r.Header.Get("X-Key")+" "+r.Header.Get("Content-Type")+" "+string(body))
	})
	calls := 0
	h.config.WithoutSlot = func(_ context.Context, wait func()) {
		calls++
		wait()
	}
	status, answer, err := h.Call(t.Context(), []byte(`{}`))
	if err != nil || status != http.StatusAccepted || string(answer) != "POST v application/json {}" {
		t.Errorf("Call = %d %q, %v", status, answer, err)
	}
	if calls != 1 {
		t.Errorf("WithoutSlot was called %d times, want once", calls)
	}
}

func TestAHookFollowsNoRedirect(t *testing.T) {
	t.Parallel()

	h := hookAt(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/other", http.StatusTemporaryRedirect)
	})
	if status, _, err := h.Call(t.Context(), nil); err != nil || status != http.StatusTemporaryRedirect {
		t.Errorf("Call = %d, %v, want the redirect itself", status, err)
	}
}

func TestHookErrorsAreNotTemporary(t *testing.T) {
	t.Parallel()

	over := make(chan struct{})
	defer close(over)
	slow := hookAt(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-over:
		case <-r.Context().Done():
		}
	})
	slow.http.Timeout = 50 * time.Millisecond
	long := hookAt(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat(" ", maxBody+1)) })
	broken := hookAt(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	missing, err := NewHook(HookConfig{URL: "http://127.0.0.1:1/?key=s3cr3t"})
	if err != nil {
		t.Fatal(err)
	}
	for name, h := range map[string]*Hook{"that hangs": slow, "that does not end": long, "that breaks off": broken, "that is not there": missing} {
		_, _, err := h.Call(t.Context(), nil)
		if err == nil || unavailable.Is(err) || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("a hook %s: %v, want an error that is not temporary and shows no secret", name, err)
		}
	}

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := slow.Call(gone, nil); !unavailable.Is(err) {
		t.Errorf("for a client that disconnected: %v", err)
	}
	for range maxCalls {
		if _, err := slow.calls.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := slow.Call(t.Context(), nil); !errors.Is(err, client.ErrBusy) || !unavailable.Is(err) {
		t.Errorf("without a free slot: %v, want ErrBusy", err)
	}
}

func TestAHookRequiresAValidCA(t *testing.T) {
	t.Parallel()

	if _, err := NewHook(HookConfig{URL: "https://hook.example", CA: []byte("none")}); err == nil {
		t.Error("an invalid CA is accepted")
	}
}
