package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/ostiary/ostiary/internal/unavailable"
)

// Level returns the log level of a response to a request that ended in err: ERROR for
// failures of the server, DEBUG for temporary failures after the client disconnected, else
// INFO.
func Level(ctx context.Context, status int, err error) slog.Level {
	switch {
	case status < http.StatusInternalServerError:
		return slog.LevelInfo
	case errors.Is(ctx.Err(), context.Canceled) && unavailable.Is(err):
		return slog.LevelDebug
	default:
		return slog.LevelError
	}
}
