package middleware_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/middleware"
)

func BenchmarkAdmission(b *testing.B) {
	serve := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	b.Run("free", func(b *testing.B) {
		a := middleware.NewAdmission(middleware.AdmissionRule{Slots: 1, Queue: 100, Wait: time.Second}, time.Now, slog.New(slog.DiscardHandler))
		h := middleware.ClientAddress(nil)(a.Handler(serve))
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = "192.0.2.1:1"
		b.ReportAllocs()
		for b.Loop() {
			h.ServeHTTP(httptest.NewRecorder(), r)
		}
	})
	b.Run("queued", func(b *testing.B) {
		a := middleware.NewAdmission(middleware.AdmissionRule{Slots: 1, Queue: 100_000, Wait: time.Minute}, time.Now, slog.New(slog.DiscardHandler))
		h := middleware.ClientAddress(nil)(a.Handler(serve))
		b.ReportAllocs()
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = "192.0.2.1:1"
			for pb.Next() {
				h.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	})
}
