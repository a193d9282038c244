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
)

// hookAt serves a hook, and returns what calls it.
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

func TestAHookIsCalledAtItsPrivateAddress(t *testing.T) {
	t.Parallel()

	h := hookAt(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, r.Method+" "+r.Header.Get("X-Key")+" "+r.Header.Get("Content-Type")+" "+string(body))
	})
	aside := 0
	h.config.Aside = func(_ context.Context, wait func()) {
		aside++
		wait()
	}
	status, answer, err := h.Call(t.Context(), []byte(`{}`))
	if err != nil || status != http.StatusAccepted || string(answer) != "POST v application/json {}" {
		t.Errorf("Call = %d %q, %v", status, answer, err)
	}
	if aside != 1 {
		t.Errorf("the caller stepped aside %d times, want once", aside)
	}
}

func TestAHookIsNotFollowedElsewhere(t *testing.T) {
	t.Parallel()

	h := hookAt(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/other", http.StatusTemporaryRedirect)
	})
	if status, _, err := h.Call(t.Context(), nil); err != nil || status != http.StatusTemporaryRedirect {
		t.Errorf("Call = %d, %v, want the redirect itself", status, err)
	}
}

// isTemporary is what makes an answer 503 rather than 500.
func isTemporary(err error) bool {
	var lost interface{ Unavailable() bool }
	return errors.As(err, &lost) && lost.Unavailable() || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

func TestWhatGoesWrongWithAHookIsNoFaultOfTheMoment(t *testing.T) {
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
	nobody, err := NewHook(HookConfig{URL: "http://127.0.0.1:1/?key=s3cr3t"})
	if err != nil {
		t.Fatal(err)
	}
	for name, h := range map[string]*Hook{"that hangs": slow, "that does not end": long, "that breaks off": broken, "that is not there": nobody} {
		_, _, err := h.Call(t.Context(), nil)
		if err == nil || isTemporary(err) || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("a hook %s: %v, want a lasting fault that shows no secret", name, err)
		}
	}

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := slow.Call(gone, nil); !isTemporary(err) {
		t.Errorf("for who hung up: %v", err)
	}
	for range maxCalls {
		slow.places <- struct{}{}
	}
	if _, _, err := slow.Call(t.Context(), nil); !errors.Is(err, client.ErrBusy) || !isTemporary(err) {
		t.Errorf("with no room: %v, want it busy", err)
	}
}

func TestAHookNeedsACAThatIsOne(t *testing.T) {
	t.Parallel()

	if _, err := NewHook(HookConfig{URL: "https://hook.example", CA: []byte("none")}); err == nil {
		t.Error("a CA that is none is taken")
	}
}
