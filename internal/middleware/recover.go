package middleware

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
)

// Recover turns a panic into a 500 without detail and logs the stack once. A nil
// refuse answers in JSON.
//
// An answer already begun is cut off instead, so that the caller does not take
// half of it for the whole.
func Recover(log *slog.Logger, refuse Refuser) func(http.Handler) http.Handler {
	if refuse == nil {
		refuse = JSON
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := record(w)
			defer func(ctx context.Context) {
				cause := recover()
				if cause == nil {
					return
				}
				if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(cause)
				}
				log.LogAttrs(ctx, slog.LevelError, "handler panicked",
					slog.String("cause", describe(cause)),
					slog.String("stack", string(debug.Stack())),
					slog.String("route", route(ctx)),
					slog.String("request_id", ID(ctx)),
				)
				if rec.answered() {
					panic(http.ErrAbortHandler)
				}
				rec.Header().Del("Content-Length")
				refuse(rec, r, http.StatusInternalServerError, "server_error", "The server met an unexpected condition.")
			}(r.Context())
			next.ServeHTTP(rec, r)
		})
	}
}

// describe is the text of a fault of the runtime, which holds only numbers and
// types, and otherwise the type alone: what a handler panics with may hold what
// the caller sent.
func describe(cause any) string {
	var fault runtime.Error
	if err, ok := cause.(error); ok && errors.As(err, &fault) {
		return fault.Error()
	}
	return fmt.Sprintf("%T", cause)
}
