package pages

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/unavailable"
)

// JSON is [httpapi.JSON], until all callers use that.
func JSON(w http.ResponseWriter, status int, body any) { httpapi.JSON(w, status, body) }

// JSONError is [httpapi.JSONError], until all callers use that.
func JSONError(w http.ResponseWriter, status int, code, description string) {
	httpapi.JSONError(w, status, code, description)
}

// SeeOther is [httpapi.SeeOther], until all callers use that.
func SeeOther(w http.ResponseWriter, location string) { httpapi.SeeOther(w, location) }

// AddQuery is [httpapi.AddQuery], until all callers use that.
func AddQuery(address, query string) string { return httpapi.AddQuery(address, query) }

// Temporary is [unavailable.Is], until all callers use that.
func Temporary(err error) bool { return unavailable.Is(err) }

// Level is [httpapi.Level], until all callers use that.
func Level(ctx context.Context, status int, err error) slog.Level {
	return httpapi.Level(ctx, status, err)
}
