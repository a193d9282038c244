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

// served runs a request through the middleware that a server has, with its log.
func served(a func(*slog.Logger) *middleware.Admission, next http.Handler) (http.Handler, *bytes.Buffer) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	return middleware.AccessLog(log, time.Now, nil)(middleware.Recover(log, nil)(a(log).Handler(next))), &out
}

func TestNoRoomIs503AndOneLineASecond(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		var a *middleware.Admission
		h, log := served(func(log *slog.Logger) *middleware.Admission {
			a = middleware.NewAdmission(middleware.AdmissionRule{Work: "tests", Slots: 1}, time.Now, log)
			return a
		}, http.HandlerFunc(ok))
		leave, err := a.Enter(t.Context())
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

		leave()
		log.Reset()
		for range 2 { // a slot that is not given back would be missed the second time
			if w := from(h, "192.0.2.1:1"); w.Code != http.StatusOK {
				t.Errorf("with room: %d", w.Code)
			}
		}
		if got := log.String(); strings.Count(got, "msg=request") != 2 {
			t.Errorf("the log of what was answered is %s", got)
		}
	})
}

func TestASlotIsFreeOnceTheAnswerBegins(t *testing.T) {
	t.Parallel()

	begun, reading := make(chan struct{}), make(chan struct{})
	var a *middleware.Admission
	h, _ := served(func(log *slog.Logger) *middleware.Admission {
		a = middleware.NewAdmission(middleware.AdmissionRule{Slots: 1}, time.Now, log)
		return a
	}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		if leave, err := a.Enter(r.Context()); err == nil {
			leave()
			t.Error("the slot was free before the answer began")
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
	leave, err := a.Enter(t.Context())
	if err != nil {
		t.Fatalf("the slot is not free while a caller reads the answer: %v", err)
	}
	defer leave()
	close(reading)
	<-done
	if leave, err := a.Enter(t.Context()); err == nil {
		leave()
		t.Error("the slot was given back twice")
	}
}

func TestASlotIsFreeAfterAPanicAndAfterNoAnswer(t *testing.T) {
	t.Parallel()

	for name, handler := range map[string]http.HandlerFunc{
		"panic":  func(http.ResponseWriter, *http.Request) { panic("a fault of ours") },
		"silent": func(http.ResponseWriter, *http.Request) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, _ := served(func(log *slog.Logger) *middleware.Admission {
				return middleware.NewAdmission(middleware.AdmissionRule{Slots: 1}, time.Now, log)
			}, handler)
			for range 2 {
				if w := from(h, "192.0.2.1:1"); w.Code == http.StatusServiceUnavailable {
					t.Error("the slot was not given back")
				}
			}
		})
	}
}
