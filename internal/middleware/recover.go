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

// Recover turns a panic into a 500 response without detail and logs the stack once. A nil
// refuse writes JSON.
//
// If the response has begun, Recover aborts the connection, so that the client does not
// accept a partial response as complete.
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

// describe returns the text of a runtime error, which has only numbers and types, and
// otherwise the type: the value of a panic may contain data of the client.
func describe(cause any) string {
	var fault runtime.Error
	if err, ok := cause.(error); ok && errors.As(err, &fault) {
		return fault.Error()
	}
	return fmt.Sprintf("%T", cause)
}
