package middleware

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
)

// Seen is told of a request that was answered: the pattern of its route, its method if
// it is one of HTTP's, its status, and how long it took.
type Observe func(route, method string, status int, took time.Duration)

// AccessLog writes one line for each request. Those that [Admission] refused, which
// counts them, are for who debugs.
//
// It names the route's pattern and not the path, which can hold a one-time link;
// and never query, form, headers or cookies, which hold credentials.
// It belongs inside a chi router, after [ClientAddress] and [RequestID]. Unless it is
// nil, seen is told the same of every request.
func AccessLog(log *slog.Logger, now func() time.Time, seen Observe) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			start, rec := now(), record(w)
			defer func(ctx context.Context) {
				level := slog.LevelInfo
				if rec.counted {
					level = slog.LevelDebug
				}
				method, route, took := method(r), route(ctx), now().Sub(start)
				if seen != nil {
					seen(route, method, rec.status, took)
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
				rec.status = http.StatusOK // what net/http sends for a handler that wrote nothing
			}
		})
	}
}

// route is the pattern that chi matched.
func route(ctx context.Context) string {
	if rctx := chi.RouteContext(ctx); rctx != nil {
		if pattern := rctx.RoutePattern(); pattern != "" {
			return pattern
		}
	}
	return "unmatched"
}

// method is the request's method if it is one of HTTP's: the caller may invent one.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return r.Method
	default:
		return "other"
	}
}
