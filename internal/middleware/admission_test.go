package middleware_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ostiary/ostiary/internal/middleware"
)

// withAdmission returns a handler behind the middleware of a server, with its log.
func withAdmission(a func(*slog.Logger) *middleware.Admission, next http.Handler) (http.Handler, *bytes.Buffer) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	return middleware.AccessLog(log, time.Now, nil)(middleware.Recover(log, nil)(a(log).Handler(next))), &out
}

func TestOverloadIs503WithOneLogLinePerSecond(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		var a *middleware.Admission
		h, log := withAdmission(func(log *slog.Logger) *middleware.Admission {
			a = middleware.NewAdmission(middleware.AdmissionRule{Work: "tests", Slots: 1}, time.Now, log)
			return a
		}, http.HandlerFunc(ok))
		slot, err := a.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for range 50 {
			w := from(h, "192.0.2.1:1")
			wait, err := strconv.Atoi(w.Header().Get("Retry-After"))
			if w.Code != http.StatusServiceUnavailable || err != nil || wait < 1 || wait > 5 {
				t.Fatalf("status %d, Retry-After %q, want 503 and 1 to 5", w.Code, w.Header().Get("Retry-After"))
			}
			if !strings.Contains(w.Body.String(), `"error":"temporarily_unavailable"`) {
				t.Fatalf("body %s", w.Body)
			}
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `level=WARN msg="too busy" work=tests refused=50 waiting=0`) {
			t.Errorf("the log is %s", got)
		}

		slot.Release()
		log.Reset()
		for range 2 { // the second request fails if the first does not release its slot
			if w := from(h, "192.0.2.1:1"); w.Code != http.StatusOK {
				t.Errorf("with a free slot: %d", w.Code)
			}
		}
		if got := log.String(); strings.Count(got, "msg=request") != 2 {
			t.Errorf("the log of the responses is %s", got)
		}
	})
}

func TestTheSlotIsReleasedWhenTheResponseBegins(t *testing.T) {
	t.Parallel()

	begun, reading := make(chan struct{}), make(chan struct{})
	var a *middleware.Admission
	h, _ := withAdmission(func(log *slog.Logger) *middleware.Admission {
		a = middleware.NewAdmission(middleware.AdmissionRule{Slots: 1}, time.Now, log)
		return a
	}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		if slot, err := a.Acquire(r.Context()); err == nil {
			slot.Release()
			t.Error("the slot was free before the response began")
		}
		_, _ = w.Write([]byte("hello"))
		close(begun)
		<-reading
	}))
	done := make(chan struct{})
	go func() {
		defer close(done)
		from(h, "192.0.2.1:1")
	}()
	<-begun
	slot, err := a.Acquire(t.Context())
	if err != nil {
		t.Fatalf("the slot is not free while a client reads the response: %v", err)
	}
	defer slot.Release()
	close(reading)
	<-done
	if slot, err := a.Acquire(t.Context()); err == nil {
		slot.Release()
		t.Error("the slot was released twice")
	}
}

func TestTheSlotIsReleasedAfterAPanicAndWithoutAResponse(t *testing.T) {
	t.Parallel()

	for name, handler := range map[string]http.HandlerFunc{
		"panic":  func(http.ResponseWriter, *http.Request) { panic("unexpected") },
		"silent": func(http.ResponseWriter, *http.Request) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, _ := withAdmission(func(log *slog.Logger) *middleware.Admission {
				return middleware.NewAdmission(middleware.AdmissionRule{Slots: 1}, time.Now, log)
			}, handler)
			for range 2 {
				if w := from(h, "192.0.2.1:1"); w.Code == http.StatusServiceUnavailable {
					t.Error("the slot was not released")
				}
			}
		})
	}
}
