package middleware

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
)

// Observe receives each request after its response: the pattern of its route, its HTTP
// method, or "other", the status, and the duration.
type Observe func(route, method string, status int, took time.Duration)

// AccessLog writes one log line for each request. Requests that [Admission] refused and
// counted are logged at DEBUG.
//
// The line has the pattern of the route instead of the path, which may contain a one-time
// link, and never the query, form, headers or cookies, which may contain credentials. It
// comes inside a chi router, after [ClientAddress] and [RequestID]. observe may be nil.
func AccessLog(log *slog.Logger, now func() time.Time, observe Observe) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			start, rec := now(), record(w)
			defer func(ctx context.Context) {
				level := slog.LevelInfo
				if rec.counted {
					level = slog.LevelDebug
				}
				method, route, took := method(r), route(ctx), now().Sub(start)
				if observe != nil {
					observe(route, method, rec.status, took)
				}
				log.LogAttrs(ctx, level, "request",
					slog.String("method", method),
					slog.String("route", route),
					slog.Int("status", rec.status),
					slog.Float64("duration_seconds", took.Seconds()),
					slog.Int64("bytes", rec.bytes),
					slog.String("client_address", Address(ctx).String()),
					slog.String("request_id", ID(ctx)),
				)
			}(r.Context())
			next.ServeHTTP(rec, r)
			if !rec.answered() {
				rec.status = http.StatusOK // the status that net/http sends without a response of the handler
			}
		})
	}
}

// route returns the pattern that chi matched.
func route(ctx context.Context) string {
	if rctx := chi.RouteContext(ctx); rctx != nil {
		if pattern := rctx.RoutePattern(); pattern != "" {
			return pattern
		}
	}
	return "unmatched"
}

// method returns the method of the request, or "other" if it is not one of HTTP: a client
// may send any text.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return r.Method
	default:
		return "other"
	}
}
